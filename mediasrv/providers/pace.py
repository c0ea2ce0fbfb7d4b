"""How fast a vendor takes audio: a burst, and then a multiple of real time."""

from __future__ import annotations


class Pace:
    """A bucket of media time that fills at ``speed`` and holds ``burst_ms``."""

    def __init__(self, speed: float, burst_ms: float, now: float) -> None:
        """Start with a full bucket; ``speed`` 1 is real time."""
        self._speed = speed
        self._burst_ms = burst_ms
        self._filled_ms = burst_ms
        self._at = now

    def take(self, wanted_ms: float, now: float) -> bool:
        """Whether so much audio may be sent now; it is taken from the bucket then."""
        self._filled_ms = min(self._burst_ms, self._filled_ms + (now - self._at) * 1000 * self._speed)
        self._at = now
        if self._filled_ms < wanted_ms:
            return False
        self._filled_ms -= wanted_ms
        return True
