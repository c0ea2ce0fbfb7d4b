"""The clock on the wall, which somebody may set between a call's answer and its stream.

A stream's token is dated by it, because another server than the one that gave it out may have to know it. What was
dated a moment before the clock was set holds all the same: for a while it is judged by the clock as it was, where that
is earlier.
"""

from __future__ import annotations

import time

HOLD_S = 300.0
"""How long the former clock counts as well: longer than any token lives."""
_SET_S = 1.0
"""A clock that has moved by more was set; what is less is drift."""


class WallClock:
    """Seconds since the epoch."""

    def __init__(self) -> None:
        self._ahead_s = self._former_s = time.time() - time.monotonic()
        self._until_s = 0.0

    def earliest(self) -> float:
        """What it shows, or showed before it was set just now, whichever is less."""
        steady_s = time.monotonic()
        ahead_s = time.time() - steady_s
        if abs(ahead_s - self._ahead_s) > _SET_S:
            self._former_s, self._until_s = self._ahead_s, steady_s + HOLD_S
        self._ahead_s = ahead_s
        return steady_s + (min(ahead_s, self._former_s) if steady_s < self._until_s else ahead_s)


WALL = WallClock()
"""Of this process."""
