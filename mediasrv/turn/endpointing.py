"""Endpointing: deciding that the caller has finished.

It is a length of silence, which grows with doubt: what was said, how it sounded and what a trained detector makes of it
(``turn.doubt``). A caller who is used to pause is given more time, the more so after we have talked over him.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from mediasrv.turn.completeness import completeness
from mediasrv.turn.doubt import doubt
from mediasrv.turn.habits import Habits
from mediasrv.turn.language import NO_LANGUAGE, Language, Level
from mediasrv.turn.options import ENDPOINTS, TurnOptions

# Below this, stop consonants would end turns; above it, callers ask whether anybody is there.
SHORTEST_MS, LONGEST_MS = 100, 3000
# How much of its own length the caller's habits may add to a wait: any wait after a cut-in, and those of doubt always.
MOST_STRETCH, MOST_WARINESS = 0.6, 0.4
# A transcript that is not the final may lack the last word, which could be an "and".
DOUBT_WITHOUT_FINAL = 0.5
# Of pauses in more doubt than this one in fifty was the end of the turn, of those in less one in five and more.
EXPECTS_MORE = 1.25


@dataclass(frozen=True, slots=True)
class Clues:
    """What is known of an utterance during a pause."""

    text: str = ""
    """The last transcript, interim or final; empty when there are no words."""
    is_final: bool = False
    """Whether the text covers all that was said."""
    finality: float | None = None
    """How much pitch and energy of the last voiced frames sound like an end, 0 to 1; None when nobody knows."""
    probability: float | None = None
    """A trained turn detector's probability that the turn is over; None where there is no detector."""
    has_ended: bool = False
    """Whether the recogniser itself says that the turn is over."""


class Endpointing:
    """How long a silence the caller may leave before the turn is ours. One object a call."""

    def __init__(self, options: TurnOptions, language: Language = NO_LANGUAGE) -> None:
        waits_ms = [options.patience * float(getattr(options, name)) for name in ENDPOINTS]
        self._waits_ms = list(accumulate(waits_ms, max))
        self._language = language
        self._habits = Habits()
        self._judged: tuple[str, Level] = ("", Level.UNSURE)
        self._decided: tuple[Clues, int] | None = None

    def wait_ms(self, clues: Clues) -> int:
        """The silence that ends an utterance of which this is known."""
        if self._decided is None or self._decided[0] != clues:
            self._decided = (clues, self._decide(clues))
        return self._decided[1]

    def likely_ms(self, clues: Clues) -> float:
        """The silence before which an end is unlikely: 0 unless words and voice together let us expect more."""
        expects_more = bool(self._language.code) and self._doubt(clues) > EXPECTS_MORE
        return self._waits_ms[Level.UNSURE] if expects_more else 0.0

    def went_on(self, pause_ms: int) -> None:
        """The caller paused this long in mid-utterance and went on."""
        self._habits.went_on(pause_ms)
        self._decided = None

    def cut_in(self, pause_ms: int) -> None:
        """We took the turn after this pause, and the caller had not finished."""
        self._habits.cut_in(pause_ms)
        self._decided = None

    def _decide(self, clues: Clues) -> int:
        place = 0.0 if clues.has_ended else self._doubt(clues)
        wait_ms = _between(self._waits_ms, place)
        longer_ms = min(max(self._habits.pause_ms - wait_ms, 0.0), wait_ms * MOST_STRETCH)
        wait_ms += longer_ms * min(place, 1.0)
        wait_ms = max(wait_ms, min(self._habits.cut_in_ms, wait_ms * (1 + MOST_WARINESS)))
        return round(min(max(wait_ms, SHORTEST_MS), LONGEST_MS))

    def _doubt(self, clues: Clues) -> float:
        """Where the utterance is on the scale of levels."""
        if clues.text != self._judged[0]:
            self._judged = (clues.text, completeness(clues.text, self._language))
        found = doubt(self._judged[1], len(clues.text.split()), clues.finality, clues.probability)
        return found if clues.is_final else max(found, DOUBT_WITHOUT_FINAL)


def _between(waits_ms: Sequence[float], place: float) -> float:
    """The wait of a level, or in proportion between those of two."""
    lower = min(int(place), len(waits_ms) - 2)
    return waits_ms[lower] + (waits_ms[lower + 1] - waits_ms[lower]) * (place - lower)
