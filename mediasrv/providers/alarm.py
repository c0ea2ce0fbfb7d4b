"""One timer that follows the deadline of a timed core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls ``tick(now)`` when the core's deadline has come.

    A deadline that moves away does not move the timer: it fires early, finds nothing due and is set again. So a
    deadline that moves with every frame costs nothing per frame.
    """

    def __init__(self, deadline: Callable[[], float | None], tick: Callable[[float], None]) -> None:
        self._deadline = deadline
        self._tick = tick
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0

    def arm(self) -> None:
        """Look at the deadline again; call it whenever it may have come nearer."""
        due = self._deadline()
        if due is None or (self._timer is not None and self._at <= due):
            return
        self.cancel()
        self._at = due
        self._timer = self._loop.call_at(due, self._fire)

    def cancel(self) -> None:
        """Be silent until armed again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stop(self) -> None:
        """Be silent for good, and forget whose core it is."""
        self.cancel()
        self._deadline, self._tick = _never, _nothing

    def _fire(self) -> None:
        self._timer = None
        # A timer may fire a clock tick early; the core must see that its time has come.
        self._tick(max(self._loop.time(), self._at))
        self.arm()


def _never() -> None:
    return None


def _nothing(now: float) -> None:
    pass
