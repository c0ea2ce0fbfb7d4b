"""Speculation: beginning a reply before it is sure that the caller has finished.

A reply begun early saves the caller the wait for it, and costs what the providers charge when he goes on after all. So
it is begun only in a silence, no sooner before the wait is over than replies of this call take, not where more is
expected to follow until that is less likely (``turn.endpointing``), not on words that are about to be written anew
(``turn.finals``), a few times a turn, and not while too much of it was in vain. It outlasts voice that brings no other
words: most silences so short lie within a word.
"""

from __future__ import annotations

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import ReplySpent
from mediasrv.turn.habits import drawn
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.sameness import same_meaning

# Share of waste is meaningless before there is something to share.
LEAST_TOKENS = 200
# The pause is looked at once a frame.
MARGIN_MS = PTIME_MS


class Speculation:
    """One call's."""

    def __init__(self, options: TurnOptions) -> None:
        self._options = options
        self._tries = 0
        self._used_tokens = self._wasted_tokens = 0
        self._takes_ms: float | None = None
        self.text: str | None = None
        """What the reply that is being prepared answers; None when there is none."""

    def begin_turn(self) -> None:
        """A turn is over, and the next has all its tries."""
        self._tries = 0

    def fits(self, text: str) -> bool:
        """Whether the reply that is being prepared answers this."""
        return self.text is not None and same_meaning(self.text, text)

    def may_begin(self, text: str) -> bool:
        """Whether a reply to this may be begun."""
        return (
            self._options.speculation
            and bool(text)
            and self._tries < self._options.speculation_tries
            and not self._is_wasteful
        )

    @property
    def _is_wasteful(self) -> bool:
        tokens = self._used_tokens + self._wasted_tokens
        return tokens >= LEAST_TOKENS and self._wasted_tokens * 100 > tokens * self._options.speculation_waste_percent

    @property
    def lead_ms(self) -> float:
        """How long before the end of the wait a reply is worth beginning."""
        most_ms = self._options.speculation_lead_ms
        return most_ms if self._takes_ms is None else min(most_ms, self._takes_ms + MARGIN_MS)

    def begin(self, text: str) -> None:
        """A reply to this is being prepared."""
        self._tries += 1
        self.text = text

    def end(self) -> None:
        """It is not being prepared any more: it is wanted, or dropped."""
        self.text = None

    def spend(self, spent: ReplySpent) -> None:
        """Take what a reply has cost, and how long it took."""
        if spent.wasted:
            self._wasted_tokens += spent.tokens
        else:
            self._used_tokens += spent.tokens
        if spent.took_ms is not None:
            # Beyond the longest lead it does not matter how slow one was.
            took_ms = min(spent.took_ms, self._options.speculation_lead_ms)
            self._takes_ms = took_ms if self._takes_ms is None else drawn(self._takes_ms, took_ms)
