"""How finished an utterance is, by its words alone.

The end decides: nothing can end with an article, little with a preposition or an auxiliary, and a verb that wants an
object hangs without one. What ends well is looked at from its beginning: a subject without a verb, or a clause with
"if" and nothing after it. Numbers, addresses and spelled words are followed while they are being dictated. The
punctuation of recognisers says little, interims end in full stops too, so it is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mediasrv.turn.language import Language, Level, Rules
from mediasrv.turn.words import words_of

# As many digits as nobody says for a quantity.
DICTATED_DIGITS = 3
# Fewer digits written as one are a quantity, a year or a price.
DICTATED_GROUP = 5
# Longer utterances are judged by their last words, which is where the rules look.
MOST_WORDS = 60


def completeness(text: str, language: Language) -> Level:
    """How finished an utterance is; ``UNSURE`` without words, and in a language or script without rules."""
    words = words_of(text)[-MOST_WORDS:]
    if not words or not language.code or language.foreign.search(text.casefold()):
        return Level.UNSURE
    if (level := _dictated(words, language)) is not None:
        return level
    classes = "".join([language.class_of(word) for word in _with_phrases(words, language)])
    said = classes.rstrip("".join(language.tags))
    return _judge(said or classes, language)


def _judge(classes: str, language: Language) -> Level:
    if (level := _first(language.wholes, classes)) is not None:
        return level
    level = _first(language.ends.get(classes[-1], ()), classes[:-1])
    if level is None or level is Level.COMPLETE:
        opening = _first(language.openings, classes)
        return Level.COMPLETE if opening is None else opening
    return level


def _first(rules: Rules, classes: str) -> Level | None:
    return next((level for pattern, level in rules if pattern.search(classes)), None)


def _with_phrases(words: Sequence[str], language: Language) -> list[str]:
    """Join the words of phrases that the language knows as one."""
    joined: list[str] = []
    free = 0
    for place, (word, after) in enumerate(pairwise([*words, ""])):
        if place < free:
            continue
        free = place + 1
        for length in range(language.phrases.get(f"{word} {after}", 1), 1, -1):
            phrase = " ".join(words[place : place + length])
            if phrase in language.words:
                word, free = phrase, place + length
                break
        joined.append(word)
    return joined


def _dictated(words: Sequence[str], language: Language) -> Level | None:
    """How a number at the end stands: ``None`` when there is none that is dictated digit by digit."""
    count, place = 0, len(words)
    if words[-1] in language.doubles:
        return Level.DICTATION
    while place and (size := _size(words[place - 1], language)):
        place -= 1
        repeated = language.doubles.get(words[place - 1], 1) if place else 1
        count += size * repeated
        place -= repeated > 1
    if count < DICTATED_DIGITS or (place and len(words) - place == 1 and len(words[-1]) < DICTATED_GROUP):
        return None
    announced = [language.short_codes[word] for word in words[:place] if word in language.short_codes]
    return Level.COMPLETE if count in (announced[-1] if announced else language.full_lengths) else Level.DICTATION


def _size(word: str, language: Language) -> int:
    return len(word) if word.isdecimal() else language.digits.get(word, 0)
