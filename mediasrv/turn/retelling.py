"""Tells the words of a text as it was given while a voice says it in other words.

What a person writes ("₹1,20,000 by 2026-12-01") is said differently, and is known to be heard by the words that were
said. A given word counts as heard from the first said word that stands for it.
"""

from __future__ import annotations

from difflib import SequenceMatcher


class Retelling:
    """One text, from its beginning to where the voice breaks off."""

    def __init__(self, given: str, said: str) -> None:
        self._words = given.split()
        said_words = said.split()
        self._begins = [0] * len(self._words)  # the said word that each given one begins with
        for _, first, last, at, end in SequenceMatcher(None, self._words, said_words, autojunk=False).get_opcodes():
            for index in range(first, last):
                # Of words that were replaced together, nobody knows which is which; none may be left at the end.
                begin = at + index - first if end - at == last - first else at
                self._begins[index] = max(0, min(begin, len(said_words) - 1))
        self._heard = self._told = 0

    def tell(self, text: str) -> str:
        """More words are said; return the given words that begin with them."""
        self._heard += len(text.split())
        told, count = self._told, len(self._words)
        while self._told < count and self._begins[self._told] < self._heard:
            self._told += 1
        return " ".join(self._words[told : self._told])
