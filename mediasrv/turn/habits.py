"""How long this caller pauses in mid-utterance and then goes on: learnt during the call.

What counts is not his mean pause, most of which are breaths, but about the longest he is used to make. So a longer
pause draws the estimate up at once and a shorter one lets it sink slowly (an expectile, by stochastic approximation:
Newey and Powell 1987), which is also how it forgets.
"""

from __future__ import annotations

# Drawn up within two or three long pauses; forgotten within some twenty short ones.
RISE, FALL = 0.4, 0.08
# We have just talked over him: believe it at once.
RISE_AT_CUT_IN = 0.9
# A pause as long as the last one is likely, so a wait must be a little longer than the habit.
MARGIN_MS = 80
LONGEST_MS = 2000


class Habits:
    """One caller's pauses in one call."""

    def __init__(self) -> None:
        self._pause_ms = 0.0
        self._wariness_ms = 0.0

    def went_on(self, pause_ms: int) -> None:
        """He paused this long in mid-utterance, and we let him."""
        self._pause_ms = drawn(self._pause_ms, pause_ms, RISE)
        self._wariness_ms *= 1 - FALL

    def cut_in(self, pause_ms: int) -> None:
        """We took the turn after this pause, and he had not finished."""
        self._pause_ms = drawn(self._pause_ms, pause_ms, RISE_AT_CUT_IN)
        self._wariness_ms = drawn(self._wariness_ms, pause_ms, RISE_AT_CUT_IN)

    @property
    def pause_ms(self) -> int:
        """A wait that outlasts the pauses he is used to make; 0 while nothing is known."""
        return _outlast(self._pause_ms)

    @property
    def cut_in_ms(self) -> int:
        """A wait that outlasts the pauses we mistook for an end; 0 while there were none."""
        return _outlast(self._wariness_ms)


def drawn(estimate_ms: float, seen_ms: float, rise: float = RISE) -> float:
    """An estimate of about the longest of what was seen, after this was seen too."""
    seen_ms = min(max(seen_ms, 0), LONGEST_MS)
    return estimate_ms + (seen_ms - estimate_ms) * (rise if seen_ms > estimate_ms else FALL)


def _outlast(pause_ms: float) -> int:
    return round(pause_ms) + MARGIN_MS if pause_ms >= 1 else 0
