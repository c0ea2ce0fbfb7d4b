"""What callers say: sentences as they were recorded, and with pauses where people pause.

A pause is put between two words in mid-sentence, where the signal is weakest near their border, and measured from voice
to voice: what was quiet there before counts. It is filled with nothing, so that the line's noise is heard in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from mediasrv.simulator.voice import Span, levels_db
from native_bench.turntaking.material import LEVEL_DBFS, RATE_HZ, Sentence, Signal, Word

NATURAL_MS = 200
"""A silence so long, between two words, is a pause; a stop consonant takes up to 150 ms."""
_SEARCH_MS = 60
_WINDOW = RATE_HZ // 200

# How likely people are to pause before a word (Goldman-Eisler, "Psycholinguistics", 1968: at the borders of clauses and
# phrases, seldom within them). Any other word weighs 1, but for the last, which hardly anybody is kept waiting for.
_BEFORE = {
    "and or but because so if when while unless until after before that which who whose where": 8.0,
    "to for of in on at by with from into about through as than": 5.0,
    "please press enter dial is are was were will has have had can cannot may might must be been": 3.0,
    "your the a an this these any no my our there not": 2.0,
}
_WEIGHTS = {word: weight for words, weight in _BEFORE.items() for word in words.split()}
_LAST_WEIGHT = 0.3


class Kind(Enum):
    """How an utterance pauses."""

    FLOWING = "no pause"
    NATURAL = "natural pause"
    SHORT = "pause 300-450 ms"
    LONG = "pause 450-700 ms"


LENGTHS_MS = {Kind.SHORT: (300, 450), Kind.LONG: (450, 700)}


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """A sentence as it is said."""

    sentence: Sentence
    kind: Kind
    pauses: tuple[Span, ...]
    """Silences between words, in samples of the sentence."""


def as_recorded(sentence: Sentence) -> Utterance:
    """Say it as it is; its kind is what it has."""
    spans = [_quiet_around(sentence, before, after) for before, after in borders(sentence)]
    pauses = tuple(span for span in spans if span.end - span.begin >= RATE_HZ * NATURAL_MS // 1000)
    return Utterance(sentence, Kind.NATURAL if pauses else Kind.FLOWING, pauses)


def with_pause(sentence: Sentence, kind: Kind, rng: np.random.Generator) -> Utterance:
    """Pause once in mid-sentence, for a while that belongs to the kind."""
    edges = borders(sentence)
    weights = np.array([_WEIGHTS.get(after.text, 1.0) for _, after in edges])
    weights[0] *= 0.5
    weights[-1] *= _LAST_WEIGHT
    chosen = edges[int(rng.choice(len(edges), p=weights / weights.sum()))]
    wanted = int(RATE_HZ * rng.uniform(*LENGTHS_MS[kind]) / 1000)
    return _paused(sentence, kind, *chosen, wanted)


def borders(sentence: Sentence) -> list[tuple[Word, Word]]:
    """Neighbouring words."""
    return list(zip(sentence.words, sentence.words[1:], strict=False))


def _paused(sentence: Sentence, kind: Kind, before: Word, after: Word, wanted: int) -> Utterance:
    quiet = _quiet_around(sentence, before, after)
    place = (quiet.begin + quiet.end) // 2
    added = max(0, wanted - (quiet.end - quiet.begin))
    head, tail = sentence.pcm[:place], sentence.pcm[place:]
    pcm = np.concatenate((_fade_end(head), np.zeros(added), _fade_end(tail[::-1])[::-1]))
    words = [_moved(word, place, added, word is after) for word in sentence.words]
    span = Span(sentence.voiced.begin, sentence.voiced.end + added)
    pause = Span(quiet.begin, quiet.end + added)
    return Utterance(Sentence(sentence.name, pcm, tuple(words), span), kind, (pause,))


def _moved(word: Word, place: int, added: int, is_after: bool) -> Word:
    if word.end <= place and not is_after:
        return word
    if not is_after and word.begin < place:
        return Word(word.text, word.begin, place)
    return Word(word.text, max(word.begin, place) + added, max(word.end, place) + added)


def _quiet_around(sentence: Sentence, before: Word, after: Word) -> Span:
    """The silence at the border of two words; of no length where they run into each other."""
    search = RATE_HZ * _SEARCH_MS // 1000
    low = max(before.begin + search // 2, min(before.end, after.begin) - search)
    high = min(after.end - search // 2, max(before.end, after.begin) + search)
    levels = levels_db(sentence.pcm[low : max(high, low + _WINDOW)].astype(np.int16), _WINDOW)
    weakest = int(np.argmin(levels)) if len(levels) else 0
    threshold = LEVEL_DBFS - 22
    middle = low + weakest * _WINDOW + _WINDOW // 2
    if not len(levels) or levels[weakest] > threshold:
        return Span(middle, middle)
    all_levels = levels_db(sentence.pcm.astype(np.int16), _WINDOW)
    first = last = middle // _WINDOW
    while first > 0 and all_levels[first - 1] <= threshold:
        first -= 1
    while last + 1 < len(all_levels) and all_levels[last + 1] <= threshold:
        last += 1
    return Span(first * _WINDOW, (last + 1) * _WINDOW)


def _fade_end(pcm: Signal) -> Signal:
    shaped = pcm.copy()
    samples = min(_WINDOW, len(pcm))
    shaped[len(pcm) - samples :] *= np.linspace(1, 0, samples)
    return shaped


def sorted_by_kind(sentences: Sequence[Sentence]) -> dict[Kind, list[Utterance]]:
    """What there is as recorded, by kind."""
    said = [as_recorded(sentence) for sentence in sentences]
    return {kind: [each for each in said if each.kind is kind] for kind in (Kind.FLOWING, Kind.NATURAL)}
