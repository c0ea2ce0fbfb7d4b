"""Whether somebody asks that we never call him again.

To hear it where it was not meant costs a callee who wanted to be called; so what may go on ("do not call me before
nine") must be the end of what he said, but for words that change nothing, and some words undo it all ("don't stop
calling"). The phrases are data, by language, and one expression holds them all.
"""

from __future__ import annotations

from mediasrv.turn.language import Language
from mediasrv.turn.words import words_of


def asks_no_more_calls(text: str, language: Language) -> bool:
    """Whether this transcript, which will not change any more, says so."""
    return language.opt_out.search(f" {' '.join(words_of(text))} ") is not None


class OptOut:
    """Listens to one callee; the same words, which come with every final of a pause, are looked at once."""

    def __init__(self, language: Language) -> None:
        self._language = language
        self._heard = ""

    def hears(self, text: str, said: str = "") -> bool:
        """Take a final, and what was known of the utterance before it; returns whether it says so, as far as is new."""
        words = text if said == text else f"{said} {text}"
        if words == self._heard:
            return False
        self._heard = words
        return asks_no_more_calls(words, self._language)
