"""Cuts a language model's stream of words into phrases, the smallest texts that a voice can speak well.

The first phrase of a reply ends at the first clause, because the caller waits for it; later ones end at sentences,
because whole sentences sound better and the caller is busy listening. A dot ends a sentence only when it is not part
of a number, an abbreviation, an initial or an address, which shows when the next word is there: so a phrase is cut
when white space follows it, or when the stream ends. Where a phrase ends depends on the text alone and not on the
pieces it comes in.
"""

from __future__ import annotations

import re

# A clause shorter than this is spoken with what follows it: a voice needs a few words to find its melody.
MIN_FIRST_CHARS = 12
# A sentence that never ends is cut at its next pause, or at a word.
MAX_PHRASE_CHARS = 220

SENTENCE_ENDS = ".!?…।॥。！？"
CLAUSE_ENDS = ",;:–—" + SENTENCE_ENDS
_CLOSERS = "\"'”’)]*_`"
_BREAK = re.compile(rf"(?P<end>[{re.escape(CLAUSE_ENDS)}]+[{re.escape(_CLOSERS)}]*)(?=\s)|(?P<line>\n+)|(?P<dash> - )")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc inc ltd e.g i.e a.m p.m rs mt ave gen rep sen capt approx dept".split()  # noqa: SIM905
)
# What a model writes for the eye and nobody should hear.
# Around words only: within them the same signs may be multiplication, or part of a name.
_MARKDOWN = re.compile(
    r"^\s*(?:[-*•>]|#+)\s+|(?<!\w)[*_`#~>|]+(?=[^\s*_`#~>|])|(?<=[^\s*_`~|])[*_`~|]+(?!\w)", re.MULTILINE
)


class PhraseCutter:
    """Turns deltas of text into phrases; one object a reply."""

    def __init__(self) -> None:
        self._text = ""
        self._cut_any = False

    def push(self, delta: str) -> list[str]:
        """Take more text, which may be any part of a word; return the phrases that it completes."""
        self._text = (self._text + delta).lstrip()
        phrases: list[str] = []
        while (end := self._phrase_end()) is not None:
            self._emit(self._text[:end], phrases)
            self._text = self._text[end:].lstrip()
        return phrases

    def flush(self) -> list[str]:
        """Return what is left when the stream has ended."""
        phrases: list[str] = []
        self._emit(self._text, phrases)
        self._text = ""
        return phrases

    def _emit(self, text: str, phrases: list[str]) -> None:
        phrase = " ".join(_MARKDOWN.sub("", text).split())
        if any(char.isalnum() for char in phrase):
            phrases.append(phrase)
            self._cut_any = True

    def _phrase_end(self) -> int | None:
        # A break shows by the character after it, and one that lies further on comes too late.
        for match in _BREAK.finditer(self._text[: MAX_PHRASE_CHARS + 1]):
            if self._ends_phrase(match):
                return match.end()
        if len(self._text) > MAX_PHRASE_CHARS:
            return self._forced_end()
        return None

    def _ends_phrase(self, match: re.Match[str]) -> bool:
        before = self._text[: match.start()]
        if match["line"]:
            return True
        if not any(char.isalnum() for char in before):
            return False
        mark = (match["end"] or ",")[0]
        if mark in SENTENCE_ENDS:
            return not (mark == "." and _is_abbreviation(before))
        return not self._cut_any and len(before.strip()) >= MIN_FIRST_CHARS

    def _forced_end(self) -> int:
        head = self._text[:MAX_PHRASE_CHARS]
        pause = max(head.rfind(mark + " ") for mark in CLAUSE_ENDS)
        end = pause + 1 if pause > 0 else head.rfind(" ")
        return end if end > 0 else MAX_PHRASE_CHARS


def _is_abbreviation(before: str) -> bool:
    words = before.split()
    word = words[-1].lstrip("\"'“‘([") if words else ""
    is_initial = len(word) == 1 and word.isalpha() and word.isupper() and word != "I"
    # "1. Open the door": the number of a list item, not the end of a sentence.
    is_item = word.isdigit() and len(words) == 1
    return is_initial or is_item or word.lower() in _ABBREVIATIONS
