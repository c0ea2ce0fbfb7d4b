"""Speculation: beginning a reply before it is sure that the caller has finished.

A reply begun early saves the caller the wait for it, and costs what the providers charge when he goes on after all. So
it is begun only in a silence, not for words after which something must follow, a few times a turn, and not while too
much of it was in vain. It outlasts voice that brings no other words: most silences so short lie within a word.
"""

from __future__ import annotations

from mediasrv.turn.options import TurnOptions
from mediasrv.turn.sameness import same_meaning

# Share of waste is meaningless before there is something to share.
LEAST_TOKENS = 200


class Speculation:
    """One call's."""

    def __init__(self, options: TurnOptions) -> None:
        self._options = options
        self._tries = 0
        self._used_tokens = self._wasted_tokens = 0
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

    def begin(self, text: str) -> None:
        """A reply to this is being prepared."""
        self._tries += 1
        self.text = text

    def end(self) -> None:
        """It is not being prepared any more: it is wanted, or dropped."""
        self.text = None

    def spend(self, tokens: int, *, wasted: bool) -> None:
        """Take what a reply that was prepared has cost."""
        if wasted:
            self._wasted_tokens += tokens
        else:
            self._used_tokens += tokens
