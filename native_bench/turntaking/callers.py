"""Simulated callers, many at a time, and what they leave behind."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import MULAW_8K
from mediasrv.net.websocket import HandshakeError
from mediasrv.simulator.caller import CALLER_HUNG_UP, Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from native_bench.keeping import Progress
from native_bench.turntaking.line import NoiseLoop
from native_bench.turntaking.person import Performed, TurnTaker
from native_bench.turntaking.plan import Planned, Trial, trials_in
from native_bench.turntaking.world import World

_NOISE_LOOPS = 5
# Calls do not begin all at once, and their frames do not fall on the same instants.
_STAGGER_S = 0.137


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One call, as it was."""

    conversation: Conversation
    performed: Sequence[Performed]
    void: Sequence[Trial]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """All calls of a run."""

    simultaneous: int
    calls: Sequence[Call]
    failures: Sequence[str]
    """Calls that could not be placed, or broke off, in words."""
    ledgers: dict[str, dict[str, Any]]
    """What the stand-ins did, by stage."""
    seconds: float
    cores: dict[str, float]
    """How much of a core each process kept busy, by name."""

    @property
    def lateness_ms(self) -> NDArray[np.float32]:
        """Of every frame of every caller, how long after its intended time it was sent."""
        empty: NDArray[np.float32] = np.zeros(0, np.float32)
        return np.concatenate([empty, *(call.conversation.lateness_ms for call in self.calls)])


async def place(world: World, calls: Sequence[Planned], simultaneous: int) -> Run:
    """Place all calls, so many at a time; a call that fails is told in the run."""
    pacing, gate = Pacing(), asyncio.Semaphore(simultaneous)
    lines = {each.line for each in calls}
    loops = {(line, seed): NoiseLoop(line, seed) for line in lines for seed in range(_NOISE_LOOPS)}
    bar = Progress(trials_in(calls), "trials")
    failures: list[str] = []

    async def live(number: int, planned: Planned) -> Call | None:
        async with gate:
            await asyncio.sleep(_STAGGER_S * number if number < simultaneous else 0.0)
            person = TurnTaker(planned, loops[planned.line, number % _NOISE_LOOPS], bar.step)
            try:
                conversation = await Caller(carrier_named("plivo"), MULAW_8K, person, pacing).call(world.url)
            except (OSError, HandshakeError, TimeoutError) as error:
                failures.append(f"call {number + 1} was not taken: {str(error) or 'no answer'}")
                return None
        if conversation.ending != CALLER_HUNG_UP:
            failures.append(f"call {number + 1} broke off: {conversation.ending}")
        return Call(conversation, tuple(person.performed), tuple(person.void))

    begun, busy = time.monotonic(), world.cpu_s()
    lived = await asyncio.gather(*(live(number, planned) for number, planned in enumerate(calls)))
    bar.end()
    seconds = time.monotonic() - begun
    failures[:0] = [f"{name} died in mid-run" for name in world.dead()]
    cores = {name: (total - busy.get(name, 0.0)) / seconds for name, total in world.cpu_s().items()}
    found = [each for each in lived if each]
    return Run(simultaneous, found, failures, await world.ledgers(), seconds, cores)
