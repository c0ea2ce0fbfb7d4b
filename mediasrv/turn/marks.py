"""The marks of one call: where they are wanted, which are on their way, and which came back.

A mark costs a message each way, so there are few: one early in each utterance, which tells how far behind our model the
ear is; then one at the end of a phrase, when a second has passed since the last one; and one at the utterance's end,
which settles it. A mark that the carrier dropped is wanted again, under another name: some carriers return what a clear
dropped, and that must not be taken for heard.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat, samples_in
from mediasrv.wire.events import Mark

# Audio before an utterance's first mark: where no message ends as a rule, so that a hole is not taken for a pause.
EARLY_MS = 240
# Audio between two marks, at least.
SPACING_MS = 1000
# A mark this late was lost on the way.
MARGIN_S = 2.0


@dataclass(frozen=True, slots=True)
class Point:
    """A place where a mark is wanted."""

    position: int
    utterance: int
    ends_utterance: bool


@dataclass(frozen=True, slots=True)
class SentMark:
    """A mark that was sent and has not come back."""

    name: str
    point: Point
    due_s: float
    """When the model says it is reached."""


class Marks:
    """Positions in samples, times in seconds; what is sent is sent in the order of its position."""

    def __init__(self, audio: AudioFormat) -> None:
        self._early = samples_in(EARLY_MS, audio.rate_hz)
        self._spacing = samples_in(SPACING_MS, audio.rate_hz)
        self._wanted: deque[Point] = deque()
        self.wanted: int | None = None
        """Position of the next mark to be sent."""
        self._sent: deque[SentMark] = deque()
        self._names = 0
        self._utterance = 0
        self._last = 0
        self._has_early = False

    # -- where they are wanted -----------------------------------------------------------------------------------

    def begin_utterance(self, number: int, position: int) -> None:
        """What follows belongs to this utterance."""
        self._utterance, self._last, self._has_early = number, position, False

    def grow(self, end: int) -> None:
        """The utterance's audio has come to a position."""
        if not self._has_early and end - self._last > self._early:
            self._has_early = True
            self._want(self._last + self._early)

    def end_phrase(self, position: int) -> None:
        """A phrase ends here, and another one follows."""
        if position - self._last >= self._spacing:
            self._want(position)

    def end_utterance(self, position: int) -> None:
        """The utterance ends here."""
        self._want(position, ends_utterance=True)

    def _want(self, position: int, *, ends_utterance: bool = False) -> None:
        self._last = position
        self._wanted.append(Point(position, self._utterance, ends_utterance))
        self._note_next()

    def _note_next(self) -> None:
        self.wanted = self._wanted[0].position if self._wanted else None

    # -- on their way --------------------------------------------------------------------------------------------

    def send(self, due_s: float) -> Mark:
        """Return the next wanted mark; it is now expected."""
        point = self._wanted.popleft()
        self._note_next()
        return self._expect(point, due_s)

    def send_extra(self, position: int, utterance: int, due_s: float) -> Mark:
        """Return a mark that was not wanted before; it is now expected."""
        return self._expect(Point(position, utterance, False), due_s)

    def send_idle(self) -> Mark:
        """Return a mark that nobody expects."""
        return Mark(self._new_name("idle"), ends_utterance=True)

    def _expect(self, point: Point, due_s: float) -> Mark:
        name = self._new_name(str(point.utterance))
        self._sent.append(SentMark(name, point, due_s))
        return Mark(name, point.ends_utterance)

    def _new_name(self, stem: str) -> str:
        """A name that no mark of this call has had."""
        self._names += 1
        return f"{stem}.{self._names}"

    def reach(self, name: str) -> list[SentMark]:
        """A mark came back: return it, last, after those before it that did not; none if it is not expected."""
        if all(mark.name != name for mark in self._sent):
            return []
        reached = [self._sent.popleft()]
        while reached[-1].name != name:
            reached.append(self._sent.popleft())
        return reached

    def lose(self, now: float, lag_s: float) -> list[SentMark]:
        """Give up, and return, the marks that are overdue; ``lag_s`` is how late marks are as a rule."""
        lost: list[SentMark] = []
        while self._sent and now >= self._sent[0].due_s + lag_s + MARGIN_S:
            lost.append(self._sent.popleft())
        return lost

    def deadline(self, lag_s: float) -> float | None:
        """When the next mark is to be given up."""
        return self._sent[0].due_s + lag_s + MARGIN_S if self._sent else None

    def take_back(self, position: int) -> None:
        """The carrier has dropped all behind a position, or it is going to be played again: so are its marks."""
        while self._sent and self._sent[-1].point.position > position:
            self._wanted.appendleft(self._sent.pop().point)
        self._note_next()

    def clear(self) -> None:
        """Nothing is wanted or expected any more."""
        self._wanted.clear()
        self._note_next()
        self._sent.clear()
