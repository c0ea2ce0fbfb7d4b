"""Cuts a language model's stream of words into phrases, the smallest texts that a voice can speak well.

    delta -> PlainText (nothing for the eye) -> PhraseCutter (where to breathe) -> spoken (as it is said) -> voice

The first phrase of a reply ends at the first clause, because the caller waits for it; later ones end at sentences,
because whole sentences sound better and the caller is busy listening. A voice that goes on with the melody of what it
said before is given the first words of that clause as soon as they are there. A dot ends a sentence only when it is
not part of a number, an abbreviation, an initial or an address, which shows when the next word is there: so a phrase
is cut when white space follows it, or when the stream ends; a danda needs no white space. Where a phrase ends depends
on the text alone and not on the pieces it comes in.
"""

from __future__ import annotations

import re

from mediasrv.turn.markup import PlainText
from mediasrv.turn.spoken import spoken

# A clause shorter than this is spoken with what follows it: a voice needs a few words to find its melody.
MIN_FIRST_CHARS = 12
# A clause that no mark ends, only the word that begins the next one, needs more to sound whole.
MIN_UNMARKED_CHARS = 24
# Where a voice goes on with the melody of what it said before, so many words are enough to begin with: saying them
# takes longer than the rest of the clause takes to come.
OPENING_WORDS = 2
# A sentence that never ends is cut at its next pause, or at a word. What is said of it may be longer than its text.
MAX_PHRASE_CHARS = 220
# A buffer that is searched from its start is kept short, however much comes at once.
_PIECE_CHARS = 512

# Danda and its like in Indian scripts, and the marks of Chinese and Japanese, are not followed by white space.
_STANDALONE_ENDS = "।॥᱾᱿꯫。！？"
SENTENCE_ENDS = ".!?…۔؟" + _STANDALONE_ENDS
CLAUSE_ENDS = ",;:–—،؛" + SENTENCE_ENDS
_CLOSERS = "\"'”’)]*_`"
# A run of marks is read as one and never read again: so no text takes long.
_BREAK = re.compile(
    rf"(?<![{re.escape(CLAUSE_ENDS)}])(?P<end>[{re.escape(CLAUSE_ENDS)}]++[{re.escape(_CLOSERS)}]*+)(?=(?P<next>.))"
    r"|(?P<line>\n+)|(?P<dash> - )"
    r"|(?P<word> )(?=(?:but|because|although|unless|whereas|and (?:I|you|we|they|he|she|it|there|that)) )",
    re.DOTALL,
)
_WORD = re.compile(r"[^\W_]")
_ABBREVIATIONS = frozenset(
    "mr mrs ms dr prof sr jr st vs etc inc ltd rs mt ave gen rep sen capt approx dept col lt hon smt ph.d".split()  # noqa: SIM905
) | frozenset(
    "डॉ प्रो श्री रु".split()  # noqa: SIM905
)
# Also words, or the ends of sentences, unless a number follows: "No. 5", "Jan. 5".
_BEFORE_NUMBERS = frozenset("no nos vol fig p pp ch ext tel jan feb mar apr jun jul aug sep sept oct nov dec".split())  # noqa: SIM905
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]{1,4}")
# Words that nothing before or after them makes part of a figure, an abbreviation or an address.
_PLAIN_WORD = r"[^\W\d_]++(?:['’][^\W\d_]++)?"
_OPENING = re.compile(rf"(?:{_PLAIN_WORD} ){{{OPENING_WORDS}}}(?=[^\W\d_])")
_LAST_WORD_GAP = re.compile(r".*[^\s]( )(?=\D)", re.DOTALL)


class PhraseCutter:
    """Turns deltas of text into phrases; one object a reply."""

    def __init__(self, *, joins: bool = False) -> None:
        """``joins`` is for a voice that speaks phrases in one breath: a few words are enough for it to begin."""
        self._plain = PlainText()
        self._text = ""
        self._may_open = joins
        self._cut_any = False

    def push(self, delta: str) -> list[str]:
        """Take more text, which may be any part of a word; return the phrases that it completes."""
        return self._cut(self._plain.push(delta))

    def flush(self) -> list[str]:
        """Return what is left when the stream has ended."""
        phrases = self._cut(self._plain.flush())
        self._emit(self._text, phrases)
        self._text = ""
        return phrases

    def _cut(self, plain: str) -> list[str]:
        phrases: list[str] = []
        for at in range(0, len(plain), _PIECE_CHARS):
            self._text = (self._text + plain[at : at + _PIECE_CHARS]).lstrip()
            if self._may_open and (opening := _OPENING.match(self._text)):
                # What follows is still the first clause, and waited for.
                self._split(opening.end(), phrases)
                self._cut_any = False
            while (end := self._phrase_end()) is not None:
                self._split(end, phrases)
        return phrases

    def _split(self, end: int, phrases: list[str]) -> None:
        self._emit(self._text[:end], phrases)
        self._text = self._text[end:].lstrip()

    def _emit(self, text: str, phrases: list[str]) -> None:
        if any(char.isalnum() for char in text):
            phrases.append(spoken(text))
            self._cut_any = True
            self._may_open = False

    def _phrase_end(self) -> int | None:
        # A break shows by the characters after it, and one that lies further on comes too late.
        window = self._text[: MAX_PHRASE_CHARS + 1]
        word = _WORD.search(window)
        for match in _BREAK.finditer(window):
            if match["line"]:
                return match.end()
            if word is None or match.start() < word.start() or not self._may_end(match):
                continue
            before, after = window[: match.start()], window[match.end() :].lstrip(" ")[:1]
            if not after and len(window) <= MAX_PHRASE_CHARS and _needs_next_word(match, before):
                return None
            if not _goes_on(match, before, after):
                return match.end()
        if len(self._text) > MAX_PHRASE_CHARS:
            return self._forced_end()
        return None

    def _may_end(self, match: re.Match[str]) -> bool:
        """Whether a phrase may end here for all that the mark itself says."""
        marks = match["end"] or ""
        if marks and not match["next"].isspace() and not any(mark in _STANDALONE_ENDS for mark in marks):
            return False
        if marks and marks[0] in SENTENCE_ENDS:
            return True
        return not self._cut_any and match.start() >= (MIN_UNMARKED_CHARS if match["word"] else MIN_FIRST_CHARS)

    def _forced_end(self) -> int:
        head = self._text[:MAX_PHRASE_CHARS]
        pause = max(head.rfind(mark + " ") for mark in CLAUSE_ENDS)
        if pause > 0:
            return pause + 1
        # Not within a number that is written in groups, nor between a number and what it counts.
        gap = _LAST_WORD_GAP.match(head)
        end = gap.end(1) if gap else head.rfind(" ")
        return end if end > 0 else MAX_PHRASE_CHARS


def as_spoken(text: str) -> str:
    """A text that is whole already as one phrase, in the words in which a voice is to say it; empty for no words."""
    cutter = PhraseCutter()
    return " ".join([*cutter.push(text), *cutter.flush()])


def _needs_next_word(match: re.Match[str], before: str) -> bool:
    """Whether only what follows tells if a mark ends anything."""
    mark = (match["end"] or " ")[0]
    return (mark == "," and before[-1].isdigit()) or (mark == "." and _last_word(before).lower() in _BEFORE_NUMBERS)


def _goes_on(match: re.Match[str], before: str, after: str) -> bool:
    """Whether a mark ends nothing, for what stands around it."""
    mark = (match["end"] or " ")[0]
    if mark == ",":
        # "May 9, 2024"
        return before[-1].isdigit() and after.isdigit()
    return mark == "." and match["end"][:2] != ".." and _is_abbreviation(before, after)


def _is_abbreviation(before: str, after: str) -> bool:
    word = _last_word(before)
    is_initial = len(word) == 1 and word.isupper() and word != "I"
    # "1. Open the door": the number of a list item, not the end of a sentence.
    is_item = word.isdigit() and before.strip() == word
    is_numbered = word.lower() in _BEFORE_NUMBERS and after.isdigit()
    return is_initial or is_item or is_numbered or word.lower() in _ABBREVIATIONS or bool(_DOTTED.fullmatch(word))


def _last_word(before: str) -> str:
    words = before.rsplit(maxsplit=1)
    return words[-1].lstrip("\"'“‘([")
