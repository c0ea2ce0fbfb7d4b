"""What a call does held against what it did.

Of a capture that was redacted the order of kinds is compared, where audio in one stretch counts once, and the names of
marks: how it was cut into messages depends on words and sounds that are gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.replay.codec import encode
from mediasrv.replay.wire import READ, WROTE, Written
from mediasrv.wire.events import PlayMedia, SendDtmf

Line = Sequence[Any]
"""What came in: its kind, the time (s), behind which step, and what it was. What went out: its kind and what it was;
likewise each message on the wire, which comes in with the events that it holds."""

SENT, LINK_CLOSED = "sent", "closed link"
_UNTIMED = frozenset({SENT, LINK_CLOSED, READ, WROTE, "left out", "phrase", "judged", "finality"})
_LET_IN = frozenset({READ, "left out"})


@dataclass(frozen=True, slots=True)
class Difference:
    """The first thing that the replayed call did otherwise."""

    at_s: float
    """Since the call began."""
    expected: Any
    """What the call did; ``None`` for nothing."""
    got: Any
    """What it does now; likewise."""


def came_in(lines: Sequence[Line]) -> list[Line]:
    """Those lines of a capture that a replay lets come in."""
    return [line for line in lines if line[0] in _LET_IN or line[0] not in _UNTIMED]


class Comparison:
    """Of one replay."""

    def __init__(self, lines: Sequence[Line], began_s: float, *, is_redacted: bool) -> None:
        self.same = self.written = 0
        """Actions, and messages on the wire, that were the same."""
        self.difference: Difference | None = None
        self._began_s = began_s
        self._is_redacted = is_redacted
        self._expected: list[tuple[float, Any]] = []
        self._at = 0
        now = began_s
        for kind, *what in lines:
            if kind in (SENT, LINK_CLOSED):
                self._expect(now, what[0] if kind == SENT else LINK_CLOSED)
            elif kind == WROTE:
                self._expect(now, Written(tuple(what[0])))
            elif kind not in _UNTIMED:
                now = float(what[0])

    def _expect(self, now: float, action: Any) -> None:
        if not (self._expected and self._goes_on(self._expected[-1][1], action)):
            self._expected.append((now, action))

    def _goes_on(self, last: Any, action: Any) -> bool:
        """Whether an action is not told from the one before."""
        return self._is_redacted and isinstance(last, PlayMedia) and isinstance(action, PlayMedia)

    def hold(self, now: float, action: Any) -> None:
        """The call does something."""
        if self.difference is not None or (self._at and self._goes_on(self._expected[self._at - 1][1], action)):
            return
        expected = self._expected[self._at][1] if self._at < len(self._expected) else None
        if self._shape(action) == self._shape(expected):
            self._at += 1
            if isinstance(action, Written):
                self.written += len(action.messages)
            else:
                self.same += 1
        else:
            self.differ(now, expected, action)

    @property
    def is_written(self) -> bool:
        """Whether what the call did last went out on the wire."""
        return self._at < len(self._expected) and isinstance(self._expected[self._at][1], Written)

    def differ(self, now: float, expected: Any, got: Any) -> None:
        """Something is otherwise; the first counts."""
        if self.difference is None:
            self.difference = Difference(now - self._began_s, expected, got)

    def end(self) -> None:
        """The call does nothing more."""
        if self._at < len(self._expected):
            self.differ(*self._expected[self._at], None)

    def _shape(self, action: Any) -> Any:
        if self._is_redacted and isinstance(action, PlayMedia | SendDtmf):
            return type(action)
        return action if isinstance(action, Written) else encode(action)
