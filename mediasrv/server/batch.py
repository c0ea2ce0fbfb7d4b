"""A batch: messages with a caller's frames that are taken together, while nothing hangs on a single one.

To come to a call's memory, which has left the processor's caches when its turn comes, takes longer than to look at a
frame there. So the frames of a silent caller wait until there are as many as the call has patience for. What is as long
as the last frame's message is taken for one; whatever else comes is taken at once, behind those that wait.
"""

from __future__ import annotations

from collections.abc import Callable

Take = Callable[[str | bytes, float], int]
"""Takes a message and when it came, in seconds; returns how many more like it may be taken together, with the last."""


class Batch:
    """Of one stream."""

    __slots__ = ("_clock", "_room", "_take", "_usual_size", "_waiting")

    def __init__(self, take: Take, clock: Callable[[], float]) -> None:
        self._take = take
        self._clock = clock
        self._room = 0  # for messages that may wait
        self._usual_size = 0
        self._waiting: list[tuple[str | bytes, float]] = []

    def hear(self, message: str | bytes) -> None:
        """Take a message, or let it wait."""
        if self._room > 0 and len(message) == self._usual_size:
            self._room -= 1
            self._waiting.append((message, self._clock()))
            return
        if self._waiting:
            self.flush()
        self._room = self._take(message, self._clock()) - 1
        self._usual_size = len(message)

    def flush(self) -> None:
        """Take what waits."""
        waiting, self._waiting = self._waiting, []
        for message, came_s in waiting:
            self._take(message, came_s)

    def end(self) -> None:
        """Nothing more comes: take what waits, and forget who took it."""
        self.flush()
        self._take = _nobody


def _nobody(message: str | bytes, came_s: float) -> int:
    return 1
