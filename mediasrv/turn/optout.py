"""Whether somebody asks that we never call him again.

To hear it where it was not meant costs a callee who wanted to be called; so what may go on ("do not call me before
nine") must be the end of what he said, but for words that change nothing, and some words undo it all ("don't stop
calling"). The phrases are data, by language.
"""

from __future__ import annotations

from mediasrv.turn.language import Language
from mediasrv.turn.words import words_of

LONGEST_TAIL = 3
"""Words in the longest phrase that changes nothing."""


def asks_no_more_calls(text: str, language: Language) -> bool:
    """Whether this transcript, which will not change any more, says so."""
    signs = language.opt_out
    said = f" {' '.join(words_of(text))} "
    if any(f" {phrase} " in said for phrase in signs.exceptions):
        return False
    if any(f" {phrase} " in said for phrase in signs.anywhere):
        return True
    return any(_ends(said.rpartition(f" {phrase} ")[2], language) for phrase in signs.at_end if f" {phrase} " in said)


def _ends(rest: str, language: Language) -> bool:
    """Whether what follows changes nothing."""
    words = rest.split()
    while words:
        for length in range(min(LONGEST_TAIL, len(words)), 0, -1):
            if " ".join(words[:length]) in language.opt_out.tails:
                words = words[length:]
                break
        else:
            return False
    return True
