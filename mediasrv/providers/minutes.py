"""The minutes of an utterance: what has been written down of it, and which finals are owed.

Recognisers write in pieces: a piece is replaced by later ones about the same stretch of audio until it is closed, and
the next begins. The utterances are ours: ``begin``, ``request``, ``commit``; so what a piece says belongs to the
utterance in which its middle lies. Where a vendor gives no times, the finals that were asked for are counted instead.

A request is answered by a final that covers the audio up to it, or by the vendor's own word that this is the answer. No
vendor promises to give one, so what is overdue is answered with the text so far. All positions are milliseconds of
media time since the call began; waiting is measured in ``now``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mediasrv.providers.base import HintKind, Transcript

LEAD_IN_MS = 300
"""How late the beginning of an utterance may be noticed."""
# Words from this long before an utterance belong to it still: speech too soft for our ears was heard by others.
_REACH_MS = 1000
# A final that ends this much before a request is its answer: a request comes after more silence than that.
_SLACK_MS = 60
DEAF_S = 1.0
"""How long a vendor may go without any sign of life when a final is wanted."""


@dataclass(slots=True)
class Piece:
    """What a vendor wrote down of a stretch of audio."""

    text: str
    is_final: bool = False
    """Whether this text will not change any more."""
    closed: bool = False
    """Whether the next piece is about later audio."""
    answers: bool = False
    """Whether the vendor gives it because it was asked for a final."""
    start_ms: float | None = None
    end_ms: float | None = None
    """From its first word to its last, where the vendor says so."""
    covers_ms: float | None = None
    """The end of the audio that it accounts for, silence included, likewise."""
    hint: HintKind | None = None

    def shift(self, by_ms: float) -> None:
        """Put it on another clock."""
        if self.start_ms is not None:
            self.start_ms += by_ms
        if self.end_ms is not None:
            self.end_ms += by_ms
        if self.covers_ms is not None:
            self.covers_ms += by_ms

    def lies_before(self, position_ms: float) -> bool | None:
        """Whether the middle of its words, or all that it covers, lies before a position; ``None`` without times."""
        if self.start_ms is not None and self.end_ms is not None:
            return self.start_ms + self.end_ms < 2 * position_ms
        return None if self.covers_ms is None else self.covers_ms <= position_ms + _SLACK_MS


@dataclass(slots=True)
class _Request:
    number: int
    at_ms: float
    asked_s: float | None = None
    """When the vendor was asked; ``None`` before."""


class Minutes:
    """One call's utterances, one at a time."""

    def __init__(self, final_wait_s: float) -> None:
        self._final_wait_s = final_wait_s
        self._closed: list[Piece] = []
        self._open: Piece | None = None
        self._requests: deque[_Request] = deque()
        self._begun_ms: float | None = None
        self._floor_ms = 0.0  # what lies before belongs to earlier utterances
        self._covered_ms = 0.0  # closed pieces hold everything up to here
        self._asked_ms: float | None = None  # where a final was last asked for in this utterance
        self._unheard_ms = 0.0  # of earlier utterances that a final was asked for, since the last sign of life
        self._begun_s = self._sign_s = -math.inf  # when it began, and when the vendor last gave a sign of life
        self._owed = 0  # finals that will come for earlier utterances
        self._owed_until_s = 0.0
        self._told = Transcript("")

    @property
    def text(self) -> str:
        """All that was written down of this utterance."""
        draft = self._open.text if self._open is not None else ""
        if not self._closed:
            return draft
        texts = [piece.text for piece in self._closed]
        return " ".join([*texts, draft] if draft else texts)

    @property
    def is_open(self) -> bool:
        """Whether an utterance has begun or a final is owed."""
        return self._begun_ms is not None or bool(self._requests)

    @property
    def is_dirty(self) -> bool:
        """Whether there is speech that no final was asked for yet."""
        return (self._begun_ms is not None and self._asked_ms is None) or bool(self._open and self._open.text)

    @property
    def unanswered(self) -> list[tuple[int, float]]:
        """Requests and their positions, in order."""
        return [(request.number, request.at_ms) for request in self._requests]

    def begin(self, at_ms: float, now: float) -> None:
        """The caller has begun to speak."""
        self._begun_ms, self._begun_s = at_ms, now
        self._floor_ms = max(self._floor_ms, at_ms - _REACH_MS)
        self._closed = [piece for piece in self._closed if piece.lies_before(self._floor_ms) is False]
        self._asked_ms = None

    def request(self, number: int, at_ms: float) -> None:
        """A final is wanted of all up to here; tell ``asked`` when the vendor was asked for it."""
        self._requests.append(_Request(number, at_ms))

    def asked(self, number: int, now: float) -> None:
        """The vendor was asked for this final."""
        for request in self._requests:
            if request.number == number:
                request.asked_s, self._asked_ms = now, request.at_ms

    def commit(self, at_ms: float, now: float, *, forced: bool) -> None:
        """The utterance is over; ``forced`` tells that the vendor was asked for one more final, to be done with it."""
        self._owed += forced + sum(request.asked_s is not None for request in self._requests)
        self._owed_until_s = now + self._final_wait_s
        self._requests.clear()
        self._unheard_ms += self._length_ms(self._asked_ms) if self._sign_s <= self._begun_s else 0.0
        self._closed, self._open, self._begun_ms = [], None, None
        self._floor_ms = at_ms
        self._asked_ms = None
        self._told = Transcript("")

    def notice(self, now: float) -> None:
        """The vendor gave a sign of life."""
        self._sign_s, self._unheard_ms = now, 0.0

    def hear(self, piece: Piece) -> list[Transcript]:
        """Write down a piece; return what is to be told about the utterance."""
        if self._is_stale(piece):
            return []
        answered = self._answered_by(piece) if self._requests else []
        if piece.closed:
            self._close(piece, answered[-1].at_ms if answered else self._covered_ms)
        else:
            self._open = piece
        if answered:
            return self._answer(answered)
        text, told = self.text, self._told
        if (text == told.text and piece.is_final is told.is_final) or not (text or told.text):
            return []
        self._told = Transcript(text, piece.is_final)
        return [self._told]

    def reopen(self, oldest_ms: float, recent_ms: float) -> float:
        """The socket was lost: return from where its successor must hear the audio.

        What is not final is heard again, as far back as ``oldest_ms``; beyond that, it is kept as it stands. Between
        utterances, audio from ``recent_ms`` on will do.
        """
        draft, self._open = self._open, None
        self._owed = 0
        self._sign_s = -math.inf
        for request in self._requests:
            request.asked_s = None
        if not self.is_open:
            return max(recent_ms, self._floor_ms)
        begun_ms = 0.0 if self._begun_ms is None else self._begun_ms - LEAD_IN_MS
        if draft and draft.end_ms is not None and max(begun_ms, self._covered_ms) < oldest_ms:
            self._close(replace(draft, covers_ms=draft.end_ms), draft.end_ms)
        return max(begun_ms, self._covered_ms, self._floor_ms, oldest_ms)

    def deadline(self) -> float | None:
        """When ``tick`` has something to do, if nothing comes before."""
        if not self._requests and not self._owed:
            return None
        due = [self._due(request) for request in self._requests if request.asked_s is not None]
        if self._owed:
            due.append(self._owed_until_s)
        return min(due, default=None)

    def tick(self, now: float) -> list[Transcript]:
        """Answer what is overdue with the text so far."""
        if self._owed and now >= self._owed_until_s:
            self._owed = 0
        return self._answer([request for request in self._requests if self._is_due(request, now)])

    def is_deaf(self, now: float, noise_ms: float) -> bool:
        """Whether a request is overdue of which nothing tells that the vendor heard it.

        Of utterances that are no longer than ``noise_ms``, all together, a vendor may say nothing.
        """
        late = [each for each in self._requests if self._is_due(each, now) and not self._is_lively(each)]
        return any(self._unheard_ms + self._length_ms(each.at_ms) > noise_ms for each in late)

    def _length_ms(self, until_ms: float | None) -> float:
        """How long the utterance is up to a request; 0 without either."""
        return 0.0 if self._begun_ms is None or until_ms is None else until_ms - self._begun_ms

    def _answer(self, requests: Sequence[_Request]) -> list[Transcript]:
        """Tell the text as the answer to requests; to one that was renewed, once as long as nothing else was told."""
        text, told = self.text, list[Transcript]()
        for request in requests:
            self._requests.remove(request)
            answer = Transcript(text, True, request.number)
            if answer != self._told:
                told.append(answer)
            self._told = answer
        return told

    def _close(self, piece: Piece, covered_ms: float) -> None:
        self._open = None
        self._covered_ms = max(self._covered_ms, covered_ms if piece.covers_ms is None else piece.covers_ms)
        if piece.text:
            self._closed.append(piece)

    def _is_stale(self, piece: Piece) -> bool:
        """Whether it belongs to an earlier utterance."""
        is_earlier = piece.lies_before(self._floor_ms)
        if is_earlier is not None:
            return is_earlier
        stale = self._owed > 0
        if stale and piece.closed:
            self._owed -= 1
        return stale

    def _answered_by(self, piece: Piece) -> list[_Request]:
        """The requests that it answers: those it covers, and by the vendor's word the oldest."""
        answered: list[_Request] = []
        if piece.is_final and piece.covers_ms is not None:
            answered = [request for request in self._requests if request.at_ms <= piece.covers_ms + _SLACK_MS]
        if piece.answers and not answered and self._requests[0].asked_s is not None:
            answered = [self._requests[0]]
        return answered

    def _is_due(self, request: _Request, now: float) -> bool:
        return request.asked_s is not None and now >= self._due(request)

    def _due(self, request: _Request) -> float:
        assert request.asked_s is not None
        wait_s = self._final_wait_s if self._is_lively(request) else max(self._final_wait_s, DEAF_S)
        return request.asked_s + wait_s

    def _is_lively(self, request: _Request) -> bool:
        """Whether there was a sign of life in the utterance, and not too long before the request."""
        assert request.asked_s is not None
        return self._sign_s > max(self._begun_s, request.asked_s - max(0.0, DEAF_S - self._final_wait_s))
