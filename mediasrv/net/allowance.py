"""How much a peer may send: so many pieces a second, and a burst of them after it was held up.

A token bucket (as in RFC 2697) whose clock is read only when what was granted is used up: for a peer who keeps to his
rate that is once in many pieces.
"""

from __future__ import annotations

from collections.abc import Callable


class Allowance:
    """What one peer has left."""

    __slots__ = ("_burst", "_clock", "_granted_at_s", "_left", "_per_s")

    def __init__(self, per_s: float, burst: float, clock: Callable[[], float]) -> None:
        """``burst`` is granted at first, and never more than that at a time; ``clock`` gives monotonic seconds.

        With ``per_s`` 0 nothing is limited.
        """
        self._per_s = per_s
        self._burst = burst
        self._clock = clock
        self._left = burst
        self._granted_at_s = clock()

    def spend(self, pieces: float) -> bool:
        """Take so many off; return whether there were so many."""
        self._left -= pieces
        if self._left >= 0 or not self._per_s:
            return True
        now = self._clock()
        self._left += min((now - self._granted_at_s) * self._per_s, self._burst)
        self._granted_at_s = now
        return self._left >= 0
