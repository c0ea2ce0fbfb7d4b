"""Puts the audio of a carrier that does not keep the order back into it, by its chunk numbers.

A chunk ahead of its turn waits for those before it, but not for ever: when ``window`` of them wait, what is missing is
given up. What comes late, twice, without a number or from another count goes through as it is; the jitter buffer knows
what to do with that.
"""

from __future__ import annotations

from mediasrv.wire.events import MediaReceived

# A chunk this late, a second of 20 ms each, is none: the count has started over.
_STARTED_OVER = 50


class Reorder:
    """One stream's audio; a delay stands only where something is missing."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._next: int | None = None
        self._waiting: dict[int, MediaReceived] = {}

    def push(self, media: MediaReceived) -> list[MediaReceived]:
        """Take a chunk; return those whose turn has come."""
        chunk = media.chunk
        if chunk is None or chunk in self._waiting:
            return [media]
        if self._next is None or not self._next - _STARTED_OVER <= chunk <= self._next + self._window:
            # The first one, or a count that started over.
            ready = self.flush()
            self._next = chunk + 1
            return [*ready, media]
        if chunk < self._next:
            return [media]
        self._waiting[chunk] = media
        if len(self._waiting) >= self._window:
            self._next = min(self._waiting)
        return self._take()

    def flush(self) -> list[MediaReceived]:
        """Give out all that waits, in order."""
        ready = [self._waiting[chunk] for chunk in sorted(self._waiting)]
        self._waiting.clear()
        return ready

    def _take(self) -> list[MediaReceived]:
        ready: list[MediaReceived] = []
        while self._next is not None and self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next += 1
        return ready
