"""What an utterance means, as far as two questions need it: is it the same as before, and does it say anything.

A reply begun on an interim may be used for the final only if both mean the same: what recognisers change as they go,
case, punctuation, spacing, fillers and how figures are written, does not matter, and every other word does.
"""

from __future__ import annotations

from mediasrv.turn.language import Language
from mediasrv.turn.words import words_of

MOST_BACKCHANNELS = 3
"""More than that many words or phrases are an answer."""
LONGEST_BACKCHANNEL = 3
"""Words in the longest phrase that is looked up."""
# From this many digits on it is one number, however it is grouped; fewer may be two numbers.
ONE_NUMBER_DIGITS = 5
# Sounds that recognisers write or leave out, whatever the language.
_SOUNDS = frozenset(("um", "umm", "uh", "uhh", "uhm", "er", "erm", "eh", "hm", "hmm", "mm", "mmm", "mhm", "ah", "हम्म"))
_ONES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_TEENS = ("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_VALUES = {word: value for value, word in enumerate(_ONES + _TEENS)} | {w: 10 * n for n, w in enumerate(_TENS, start=2)}
_WHOLE_TENS = frozenset(str(10 * n) for n in range(2, 10))


def same_meaning(a: str, b: str) -> bool:
    """Whether two transcripts of one utterance ask for the same answer. When in doubt, they do not."""
    return a == b or _essence(a) == _essence(b)


def is_backchannel(text: str, language: Language) -> bool:
    """Whether a caller who says this over our speech only shows that he listens."""
    words = words_of(text)
    count = 0
    while words and count < MOST_BACKCHANNELS:
        for length in range(min(LONGEST_BACKCHANNEL, len(words)), 0, -1):
            phrase = " ".join(words[:length])
            if phrase in language.backchannels or phrase in _SOUNDS:
                break
        else:
            return False
        words = words[length:]
        count += 1
    return count > 0 and not words


def _essence(text: str) -> str:
    """All that matters of a transcript: no spaces but those between figures."""
    essence, figures = "", list[str]()
    for word in [*(word for word in words_of(text) if word not in _SOUNDS), ""]:
        value = _VALUES.get(word)
        if value is None and not word.isdecimal():
            essence += _joined(figures) + word
            figures = []
        elif value is not None and 0 < value < 10 and figures and figures[-1] in _WHOLE_TENS:
            figures[-1] = str(int(figures[-1]) + value)
        else:
            figures.append(word if value is None else str(value))
    return essence


def _joined(figures: list[str]) -> str:
    """Figures that follow each other: dictated digit by digit or in long groups, or several numbers."""
    digits = "".join(figures)
    is_one = len(digits) >= ONE_NUMBER_DIGITS or len(digits) == len(figures)
    return digits if is_one else " ".join(figures)
