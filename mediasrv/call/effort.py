"""Effort: what calls leave out while the server has too much to do.

The server says what is to be left out, and calls ask before they do it. No caller misses any of it in the way that he
would miss a word: answers come a little later, or a cough stops the bot.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum

from mediasrv.call.observer import Observer


class Work(Enum):
    """What can be left out."""

    SPECULATION = "speculation"
    """Replies begun before the caller has surely finished; some are made in vain."""
    DETECTOR = "detector"
    """A trained turn detector's opinion, beside the rules."""
    PROSODY = "prosody"
    """How finished the caller sounds, beside what he says."""
    TIMBRE = "timbre"
    """Telling speech from what else a voice detector takes for voice."""
    HEDGE = "hedge"
    """A second request where the first is slower than usual; where it hangs there is one all the same."""


class Effort:
    """One for all calls of the server."""

    def __init__(self, observer: Observer) -> None:
        """``observer`` is told of all that is left out."""
        self._observer = observer
        self.left_out: Collection[Work] = ()

    def leave_out(self, works: Collection[Work]) -> None:
        """Leave these out from now on, and no others."""
        self.left_out = works

    def allows(self, work: Work) -> bool:
        """Whether this may be done; ask when it would be done otherwise, for each no is counted."""
        if work not in self.left_out:
            return True
        self._observer.left_out(work.value)
        return False
