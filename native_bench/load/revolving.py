"""Calls that last some minutes each and are followed by others, so that there are as many at any time.

What a caller heard is judged when it hangs up, and only sums are kept: the callers' own memory does not tell for how
long it goes on. A call is **silent** when a turn of it was not answered within the limit.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from math import isinf

from native_bench.load.caller import LoadCaller
from native_bench.load.measured import CALLS_A_SECOND, Heard, Load, call, hang_up, judge
from native_bench.load.metronome import Metronome
from native_bench.load.tape import Tape
from native_bench.load.verdict import spread
from native_bench.load.world import World

LASTING = 0.1
"""Share of the calls that stay as long as a call may."""
_LEAST, _MOST = 0.5, 1.5
# A server ends every call after an hour.
_LONGEST_S = 3000.0
_AGAIN_S = 1.0


@dataclass(slots=True)
class Tally:
    """What became of the calls that are over."""

    made: int = 0
    """That the server took."""
    silent: int = 0
    holed: int = 0
    """Calls with a silence inside an utterance."""
    turns: int = 0
    """That must have been answered."""
    unanswered: int = 0
    utterances: int = 0
    hole_ms: list[float] = field(default_factory=list)
    """Each silence inside an utterance."""
    answers_ms: Counter[int] = field(default_factory=Counter)
    """How many answers took so many milliseconds."""
    failures: list[str] = field(default_factory=list)
    """Calls that were not taken, or broke off."""

    def add(self, heard: Heard) -> None:
        """A call is over."""
        holes = [ms for ms in heard.silences_ms if ms]
        unanswered = sum(map(isinf, heard.answers_ms))
        self.turns += len(heard.answers_ms)
        self.unanswered += unanswered
        self.silent += bool(unanswered)
        self.holed += bool(holes)
        self.hole_ms += holes
        self.utterances += len(heard.silences_ms)
        self.answers_ms.update(round(ms) for ms in heard.answers_ms if not isinf(ms))

    def answered_within_ms(self, share: float) -> int | None:
        """Within what time so large a share of the answers came; ``None`` when there was none."""
        left = share * self.answers_ms.total()
        for ms in sorted(self.answers_ms):
            left -= self.answers_ms[ms]
            if left <= 0:
                return ms
        return None


class Revolving:
    """So many calls, each with a successor."""

    def __init__(self, world: World, tape: Tape, calls: int, each_s: float) -> None:
        self._world, self._tape, self._calls, self._each_s = world, tape, calls, each_s
        self._metronome = Metronome()
        self._numbers = count()
        self._ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._places: list[asyncio.Task[None]] = []
        self.tally = Tally()
        self.slip_p99_ms: list[float] = []
        """Of the callers, between one look and the next."""

    async def begin(self) -> None:
        """Place the first calls, at an even pace."""
        self._metronome.start()
        for place in range(self._calls):
            lasts = place < LASTING * self._calls
            self._places.append(asyncio.create_task(self._keep(random.Random(place), lasts=lasts)))
            await asyncio.sleep(1 / CALLS_A_SECOND)

    def look(self) -> None:
        """Note how late the callers were since the last look."""
        if slip := spread([late_s * 1000 for late_s in self._metronome.lateness_s]):
            self.slip_p99_ms.append(slip.p99)
        self._metronome.forget()

    async def end(self) -> None:
        """Hang up all calls; returns when the server has ended them too."""
        self._ending.set_result(None)
        try:
            await asyncio.gather(*self._places)
        finally:
            self._metronome.stop()

    async def _keep(self, chance: random.Random, *, lasts: bool) -> None:
        """One place: a call, and the next, until the end."""
        while not self._ending.done():
            load = Load(self._metronome, self._tape)
            try:
                caller = await call(self._world, load, next(self._numbers))
            except (OSError, TimeoutError) as error:
                self.tally.failures.append(f"not taken: {str(error) or 'no answer'}")
                await asyncio.sleep(_AGAIN_S)
                continue
            self.tally.made += 1
            load.callers.append(caller)
            patience_s = _LONGEST_S if lasts else self._each_s * chance.uniform(_LEAST, _MOST)
            over = (self._ending, caller.over)
            await asyncio.wait(over, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
            self._take_leave(caller)
            await hang_up(load)

    def _take_leave(self, caller: LoadCaller) -> None:
        if caller.over.done():
            self.tally.failures.append(f"call {caller.number + 1}: {caller.over.result()}")
        self.tally.add(judge(caller, self._tape, caller.media_began_s, time.monotonic()))
