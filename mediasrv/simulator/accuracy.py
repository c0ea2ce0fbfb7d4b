"""How well a recogniser heard: word errors against what was said."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; hyphens part words, punctuation is nothing."""
    return [word.lower() for word in _WORD.findall(text)]


def word_errors(said: str, heard: str) -> int:
    """Words to change, add or leave out to get from what was heard to what was said (Levenshtein's distance)."""
    target = words_of(said)
    row = list(range(len(target) + 1))
    for count, word in enumerate(words_of(heard), start=1):
        diagonal, row[0] = row[0], count
        for at, wanted in enumerate(target, start=1):
            diagonal, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, diagonal + (word != wanted))
    return row[-1]
