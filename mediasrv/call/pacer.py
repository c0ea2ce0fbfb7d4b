"""The pacer: one timer that feeds all calls of the process.

A call whose ledger has audio waiting is *busy* and is fed on the first tick at which its carrier has room for more;
when no call is busy, the timer sleeps. Ticks are scheduled by intended time, so that a late one does not shift those
after it.

Whoever feeds a call tells how much its carrier still had: the least of it shows how near the process is to a hole in
somebody's ear.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from mediasrv.audio.format import PTIME_MS
from mediasrv.call.effort import Effort

Feed = Callable[[float], float]
"""Sends what is due at ``now``; returns when there will be more, infinite if there will not. Must not raise."""

TICK_S = PTIME_MS / 1000


class Pacer:
    """Feeds busy calls on the running loop."""

    def __init__(self, effort: Effort | None = None) -> None:
        """``effort`` tells whether the process has too much to do."""
        self._effort = effort
        self._busy: dict[Feed, float] = {}  # and when each is to be fed
        self._timer: asyncio.TimerHandle | None = None
        self._least_lead_s = math.inf

    @property
    def is_pressed(self) -> bool:
        """Whether the process has so much to do that ticks may come late."""
        return self._effort is not None and bool(self._effort.left_out)

    def tell_lead(self, lead_s: float) -> None:
        """The carrier of a call in mid-speech had so much left to play when we came with more; below 0 it ran dry."""
        self._least_lead_s = min(self._least_lead_s, lead_s)

    def take_least_lead(self) -> float:
        """The least of all leads since the last time, infinite when nobody spoke."""
        least_s, self._least_lead_s = self._least_lead_s, math.inf
        return least_s

    def wake(self, feed: Feed) -> None:
        """Feed a call now, and whenever it wants to until it has nothing more."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        due_s = feed(now)
        if due_s == math.inf:
            self._busy.pop(feed, None)
            return
        self._busy[feed] = due_s
        if self._timer is None:
            self._timer = loop.call_at(now + TICK_S, self._tick, loop, now + TICK_S)

    def forget(self, feed: Feed) -> None:
        """Feed a call no more."""
        self._busy.pop(feed, None)

    def _tick(self, loop: asyncio.AbstractEventLoop, intended: float) -> None:
        now = loop.time()
        for feed, due_s in list(self._busy.items()):
            if due_s > now:
                continue
            due_s = feed(now)
            if due_s == math.inf:
                self._busy.pop(feed, None)
            else:
                self._busy[feed] = due_s
        if not self._busy:
            self._timer = None
            return
        # After a stall the ticks that were missed are not made up for: one feeding fills every lead.
        missed = int((now - intended) / TICK_S)
        following = intended + (missed + 1) * TICK_S
        self._timer = loop.call_at(following, self._tick, loop, following)
