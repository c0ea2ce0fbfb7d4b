"""Endpointing: deciding that the caller has finished.

It is a length of silence, which depends on what is known of the utterance and on the caller's own pauses in this call.
"""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.turn.habits import Habits
from mediasrv.turn.language import NO_LANGUAGE, Language
from mediasrv.turn.options import TurnOptions


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
        self._endpoint_ms = options.endpoint_ms
        self._language = language
        self._habits = Habits()

    def wait_ms(self, clues: Clues) -> int:
        """The silence that ends an utterance of which this is known."""
        return max(self._endpoint_ms, min(self._habits.cut_in_ms, 2 * self._endpoint_ms))

    def went_on(self, pause_ms: int) -> None:
        """The caller paused this long in mid-utterance and went on."""
        self._habits.went_on(pause_ms)

    def cut_in(self, pause_ms: int) -> None:
        """We took the turn after this pause, and the caller had not finished."""
        self._habits.cut_in(pause_ms)
