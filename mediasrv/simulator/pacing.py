"""One timer for many callers: plain calls at intended times.

Each caller is a *step*, a function that is told ``now``, does what is due and says when it wants to be called next. All
steps of a loop stand in one heap under one timer of the loop. A step that is late is called as soon as possible with
its old appointment unchanged: the schedule is never shifted to suit us, or a stall would hide the very delay that it
causes (coordinated omission).

The clock is ``time.monotonic`` and not the loop's own, which some loops round to a millisecond.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from math import inf

Step = Callable[[float], float | None]
"""Told ``now`` in seconds; gives the time of its next call, or ``None`` when it is done."""


class Paced:
    """A step with its next appointment, as its owner holds it."""

    def __init__(self, pacing: Pacing, step: Step) -> None:
        self.when = inf
        self._pacing = pacing
        self._step = step
        self._done = asyncio.get_running_loop().create_future()

    @property
    def is_finished(self) -> bool:
        """Whether the step is called no more."""
        return self._done.done()

    async def finished(self) -> None:
        """Wait until the step is done; raise what it raised. Once cancelled, the step is called no more."""
        await self._done

    def stop(self) -> None:
        """Call the step no more, as if it had said that it is done; safe to call twice."""
        if not self.is_finished:
            self._done.set_result(None)

    def hurry(self, when: float) -> None:
        """Move the next call to ``when`` if it would be later."""
        if when < self.when:
            self._pacing.appoint(self, when)

    def keep(self, when: float, now: float) -> None:
        """Make the call that was appointed for ``when``, unless it has been moved or the step is done."""
        if self.when != when or self.is_finished:
            return
        self.when = inf
        try:
            following = self._step(now)
        except Exception as error:  # as a task does: it belongs to whoever waits for this step, not to the others
            self._done.set_exception(error)
            return
        if following is None:
            self.stop()
        else:
            self.hurry(following)


class Pacing:
    """The heap and its timer; one for all callers of an event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Paced]] = []
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None
        self._is_firing = False

    def enter(self, step: Step, when: float) -> Paced:
        """Take in a step and call it for the first time at ``when``."""
        paced = Paced(self, step)
        self.appoint(paced, when)
        return paced

    def appoint(self, paced: Paced, when: float) -> None:
        """Call a step at ``when`` and not before."""
        paced.when = when
        heappush(self._heap, (when, next(self._serial), paced))
        if self._heap[0][2] is paced and not self._is_firing:
            self._arm()

    def _arm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, self._heap[0][0] - self.clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._fire)

    def _fire(self) -> None:
        """Call what is due now; what comes due meanwhile waits until the loop has read its sockets."""
        now = self.clock()
        self._is_firing = True
        try:
            while self._heap and self._heap[0][0] <= now:
                when, _, paced = heappop(self._heap)
                paced.keep(when, self.clock())
        finally:
            self._is_firing = False
            if self._heap:
                self._arm()
