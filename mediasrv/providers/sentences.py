"""Ends a reply after a number of sentences, for models that do not know when to stop."""

from __future__ import annotations

import re

# A full stop after these ends no sentence.
_SENTENCE_END = re.compile(r"(?<!\bMr)(?<!\bMrs)(?<!\bMs)(?<!\bDr)(?<!\bSt)[.!?]+[\"”')]*(?=\s)")


class SentenceCut:
    """Lets a number of sentences through; 0 lets all through."""

    def __init__(self, sentences: int) -> None:
        self._sentences = sentences
        self._text = ""
        self.is_done = False

    def push(self, delta: str) -> str:
        """Take more text, which may be any part of a word; return what of it lies within the sentences."""
        begin = len(self._text)
        self._text += delta
        ends = [match.end() for match in _SENTENCE_END.finditer(self._text)]
        if 0 < self._sentences <= len(ends):
            self.is_done = True
            return self._text[begin : ends[self._sentences - 1]]
        return delta
