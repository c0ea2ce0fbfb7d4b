"""What can befall a provider in a call, and when: as data, and as a hand that does it.

The moments are those at which it hurts: while the caller speaks (the recogniser's), when the reply has been asked for
and nothing of it is there, and when the caller is hearing it. What lasts is over when the caller speaks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.simulator.person import Act
from mediasrv.simulator.script import Line, Performance
from native_bench.standins.base import NONE, Fault, Standin, WebSocketStandin
from native_bench.standins.chat import ChatStandin

_POLL_S = 0.005
# Into the audio of a reply.
_MIDWAY_S = 0.25
# More than anybody asks in one turn.
_MANY = 99


class Moment(Enum):
    """When it strikes."""

    START = auto()
    """Before the call."""
    MIDWAY = auto()
    """In the middle of the caller's first utterance."""
    ASKED = auto()
    """When the voice has been asked for the reply."""
    SPEAKING = auto()
    """When the voice has begun with the reply."""


@dataclass(frozen=True, slots=True)
class Misfortune:
    """What befalls a provider, by the name of its row in the table."""

    label: str
    moment: Moment = Moment.MIDWAY
    now: Fault = NONE
    """What befalls its open sockets."""
    after: Fault = NONE
    """What befalls the next connection or request."""
    lasts: bool = False
    """Whether it befalls all of those until the caller speaks again."""
    heals: bool = True
    """Whether it is over then."""
    text: str | None = None
    """What the model says in the place of an answer."""
    tool: str = ""
    """Which of the agent's tools the model calls before it speaks; empty: none."""
    arguments: str = "{}"
    """Which it calls it with."""
    breaks_in: bool = False
    """Whether the caller breaks into the reply, because only then it shows."""


class Hand:
    """Brings a misfortune over a stand-in."""

    def __init__(self, standin: Standin, misfortune: Misfortune) -> None:
        self._standin = standin
        self._misfortune = misfortune
        self._spoken = 0
        self._text = standin.text if isinstance(standin, ChatStandin) else ""
        self._tasks: set[asyncio.Task[None]] = set()

    def reach(self, moment: Moment) -> None:
        """A moment of the call has come."""
        wanted = self._misfortune.moment
        if moment is wanted:
            self._begin(self._strike())
        elif moment is Moment.MIDWAY and wanted in (Moment.ASKED, Moment.SPEAKING):
            self._spoken = len(getattr(self._standin, "transcripts", ()))
            self._begin(self._wait_and_strike(0.0 if wanted is Moment.ASKED else _MIDWAY_S))

    def heal(self) -> None:
        """All is well again, where it is meant to be."""
        if not self._misfortune.heals:
            return
        self._standin.plan(())
        if isinstance(self._standin, ChatStandin):
            self._standin.text, self._standin.calls = self._text, ()
        if isinstance(self._standin, WebSocketStandin):
            for peer in self._standin.peers:
                peer.fault = NONE

    def aclose(self) -> None:
        """Do no more."""
        for task in self._tasks:
            task.cancel()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _wait_and_strike(self, delay_s: float) -> None:
        while len(getattr(self._standin, "transcripts", ())) <= self._spoken:  # noqa: ASYNC110  # a stand-in tells nobody
            await asyncio.sleep(_POLL_S)
        await asyncio.sleep(delay_s)
        await self._strike()

    async def _strike(self) -> None:
        misfortune, standin = self._misfortune, self._standin
        if misfortune.after is not NONE:
            standin.plan([misfortune.after] * (_MANY if misfortune.lasts else 1))
        if misfortune.text is not None and isinstance(standin, ChatStandin):
            standin.text = misfortune.text
        if misfortune.tool and isinstance(standin, ChatStandin):
            standin.calls = [(misfortune.tool, misfortune.arguments)]
        if misfortune.now is not NONE and isinstance(standin, WebSocketStandin):
            await standin.strike(misfortune.now)


class Sufferer(Performance):
    """A caller in whose call moments come: told to a hand in media time."""

    def __init__(self, script: Sequence[Line], audio: AudioFormat, hand: Hand, clock: Callable[[], float]) -> None:
        super().__init__(script, audio)
        self.began_s = 0.0
        """The clock at the first frame."""
        self._hand = hand
        self._clock = clock
        self._samples = samples_in(PTIME_MS, audio.rate_hz)
        self._place = 0
        self._has_struck = self._has_healed = False

    def exchange(self, heard: bytes) -> Act:
        if not self._place:
            self.began_s = self._clock() - PTIME_MS / 1000
        act = super().exchange(heard)
        self._place += self._samples
        if self.said and not self._has_struck:
            voiced = self.said[0].voiced
            if 2 * self._place >= voiced.begin + voiced.end:
                self._has_struck = True
                self._hand.reach(Moment.MIDWAY)
        if len(self.said) == 2 and not self._has_healed:
            self._has_healed = True
            self._hand.heal()
        return act
