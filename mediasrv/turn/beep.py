"""The beep of an answering machine, after which it records.

A tone is told by prediction: the samples before and after one of a sine's add up to twice the cosine of the angle
between samples, times it (Prony, 1795). That ratio gives the frequency, and what it leaves unexplained of the power is
no tone. A beep is a tone that is steady for ``SHORTEST_MS``, and then silence.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS

LOWEST_HZ, HIGHEST_HZ = 350.0, 2000.0
# Of a beep of 150 ms, so much is sure to be in whole frames.
SHORTEST_MS = 120
# A vowel moves on by more than that in 20 ms, sooner or later.
STEADY = 0.02
# Relative to the power: noise 25 dB down leaves as much at the lowest pitch, and the two tones of a key leave more.
MOST_UNEXPLAINED = 0.02
# Fainter tones are no machine's; what comes after a beep is fainter by so much for so long.
FAINTEST_DB = -45.0
FALL_DB = 15.0
SILENCE_MS = 60


class Beep:
    """Listens for one beep in a stream of 20 ms frames."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._restart(0.0, 0.0)

    def _restart(self, tone_hz: float, level_db: float) -> None:
        self._tone_hz, self._level_db = tone_hz, level_db
        self._tone_ms = PTIME_MS if tone_hz else 0
        self._silence_ms = self._gap_ms = 0

    def hear(self, frame: NDArray[np.int16]) -> bool:
        """Return whether a beep is over with the next 20 ms (int16, mono)."""
        level_db, tone_hz = _measure(frame.astype(np.float64), self._rate_hz)
        if tone_hz and not self._gap_ms and abs(tone_hz - self._tone_hz) <= STEADY * tone_hz:
            self._tone_ms += PTIME_MS
        elif self._tone_ms < SHORTEST_MS:
            self._restart(tone_hz, level_db)
        else:
            self._gap_ms += PTIME_MS
            self._silence_ms += PTIME_MS * (level_db < self._level_db - FALL_DB)
            # The frame in which it ends is part tone, part silence.
            if self._gap_ms - self._silence_ms > PTIME_MS:
                self._restart(tone_hz, level_db)
        return self._silence_ms >= SILENCE_MS


def _measure(samples: NDArray[np.float64], rate_hz: int) -> tuple[float, float]:
    """The level in dBFS, and the frequency of a tone; 0 where it is none, or no machine's."""
    middle, sides = samples[1:-1], samples[:-2] + samples[2:]
    power = float(middle @ middle)
    level_db = 10 * math.log10(power / middle.size / 32768.0**2 + 1e-12)
    if level_db < FAINTEST_DB:
        return level_db, 0.0
    ratio = float(sides @ middle) / power
    unexplained = sides - ratio * middle
    tone_hz = math.acos(max(-1.0, min(ratio / 2, 1.0))) / (2 * math.pi) * rate_hz
    is_tone = float(unexplained @ unexplained) <= MOST_UNEXPLAINED * power
    return level_db, tone_hz if is_tone and LOWEST_HZ <= tone_hz <= HIGHEST_HZ else 0.0
