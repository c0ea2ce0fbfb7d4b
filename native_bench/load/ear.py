"""What one simulated caller hears, to the sample, without keeping any audio.

The same model of the carrier's play queue as ``mediasrv.simulator.playout``: audio is laid behind what is already laid,
or at the present moment when the queue has run dry. Only lengths count here, so that hundreds of callers cost little.
Positions are samples of media time since the stream began.
"""

from __future__ import annotations

from collections import deque

PARTED_MS = 1_000
"""A shorter silence between two pieces of audio is a hole in an utterance; a longer one parts two utterances."""


class Utterance:
    """What was heard without a pause that parts it."""

    __slots__ = ("begin", "end", "silent_samples", "was_cut")

    def __init__(self, begin: int) -> None:
        self.begin = self.end = begin
        self.silent_samples = 0
        """Holes in it."""
        self.was_cut = False
        """Whether a clear ended it."""


class Ear:
    """One stream's play queue."""

    __slots__ = ("_is_open", "_marks", "_parted_samples", "end", "utterances")

    def __init__(self, rate_hz: int) -> None:
        self.end = 0
        """Where the queue runs dry."""
        self.utterances: list[Utterance] = []
        self._parted_samples = PARTED_MS * rate_hz // 1000
        self._is_open = False
        self._marks: deque[tuple[int, str]] = deque()

    def lay(self, samples: int, position: int) -> None:
        """Audio came at this position."""
        if samples <= 0:
            return
        late = position - self.end
        if not self._is_open or late >= self._parted_samples:
            self.utterances.append(Utterance(max(position, self.end)))
            self._is_open = True
        elif late > 0:
            self.utterances[-1].silent_samples += late
        self.end = max(self.end, position) + samples
        self.utterances[-1].end = self.end

    def mark(self, name: str, position: int) -> None:
        """A mark came: it is reached when all before it was heard."""
        self._marks.append((max(self.end, position), name))

    def next_mark(self) -> int | None:
        """Where the next mark is reached."""
        return self._marks[0][0] if self._marks else None

    def reached(self, position: int) -> list[str]:
        """Take the marks that have been reached."""
        names: list[str] = []
        while self._marks and self._marks[0][0] <= position:
            names.append(self._marks.popleft()[1])
        return names

    def clear(self, position: int) -> None:
        """Drop what was not heard, and the marks in it."""
        if self.utterances and position < self.end:
            self.utterances[-1].end = self.end = max(position, self.utterances[-1].begin)
            self.utterances[-1].was_cut = True
        self._is_open = False
        self._marks.clear()
