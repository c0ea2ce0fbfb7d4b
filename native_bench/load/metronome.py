"""One timer for all callers: each speaks every 20 ms, at one of twenty instants a millisecond apart.

Callers of the same instant speak one behind the other. An instant that is missed is made up for with its old time
unchanged, and every caller's delay is kept: a load generator that is late must not blame the server.
"""

from __future__ import annotations

import asyncio
import time
from array import array
from heapq import heappop, heappush
from itertools import count
from typing import Protocol

from mediasrv.audio.format import PTIME_MS

SLOT_S = 0.001
SLOTS = PTIME_MS


class Speaker(Protocol):
    """A caller, as the timer sees it."""

    def speak(self, intended_s: float) -> None:
        """Send the next frame."""

    def look(self, now: float) -> None:
        """The time came that was asked for."""


class Metronome:
    """Drives callers on the running loop until it is stopped; the clock is ``time.monotonic``."""

    def __init__(self) -> None:
        self._slots: list[list[Speaker]] = [[] for _ in range(SLOTS)]
        self._looks: list[tuple[float, int, Speaker]] = []
        self._serial = count()
        self._begun_s = time.monotonic()
        self._next = 0
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()
        self.lateness_s = array("f")
        """Of every frame since ``forget``, how long after its intended time it was sent."""

    def start(self) -> None:
        """Begin to tick."""
        self._begun_s, self._next = time.monotonic(), 0
        self._arm()

    def stop(self) -> None:
        """Tick no more."""
        if self._timer is not None:
            self._timer.cancel()

    def forget(self) -> None:
        """A new measurement begins."""
        self.lateness_s = array("f")

    def join(self, speaker: Speaker, number: int) -> None:
        """Let a caller speak from now on, at an instant that follows from its number."""
        # Seven and twenty have no common divisor: neighbours do not speak at neighbouring instants.
        self._slots[number * 7 % SLOTS].append(speaker)

    def leave(self, speaker: Speaker) -> None:
        """Let it speak no more."""
        for slot in self._slots:
            if speaker in slot:
                slot.remove(speaker)

    def look_at(self, when_s: float, speaker: Speaker) -> None:
        """Have a caller look at this time."""
        heappush(self._looks, (when_s, next(self._serial), speaker))

    def _arm(self) -> None:
        due_s = self._begun_s + self._next * SLOT_S
        self._timer = self._loop.call_later(max(0.0, due_s - time.monotonic()), self._tick)

    def _tick(self) -> None:
        now = time.monotonic()
        while (intended_s := self._begun_s + self._next * SLOT_S) <= now:
            for speaker in self._slots[self._next % SLOTS][:]:
                speaker.speak(intended_s)
                self.lateness_s.append(time.monotonic() - intended_s)
            self._next += 1
        while self._looks and self._looks[0][0] <= now:
            heappop(self._looks)[2].look(now)
        self._arm()
