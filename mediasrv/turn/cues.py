"""Cues: what the end of a stretch of voice sounds like, and how finished that is.

All but the verdict is measured in one step of machine code: a track has a few dozen numbers, for which a library of
arrays takes longer to get ready than to count. ``prosody`` tells where the weights come from.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel
from mediasrv.audio.pitch import HIGHEST_HZ, HOP_MS, LOWEST_HZ, PitchTrack

# In hops of a track, of 10 ms each; a kernel may take no constant from another file. With less pitch than the least
# there is no judgement: a whisper, a cough, a lone consonant.
_LEAST_PITCHED = 10
# The end of a stretch: a short vowel for pitch, a syllable for loudness, which wavers more.
_PITCH_END, _LEVEL_END, _PACE, _RISE = 5, 10, 40, 20
# Beyond an octave from the middle of the range lie octave errors.
_MOST_HEIGHT = 1.0
# Octaves a second.
_MOST_RISE = 6.0
# Half a semitone; 10 s of pitch.
_PLACES_PER_OCTAVE, _MEMORY_HOPS = 24, 1000
_LOWEST = math.log2(LOWEST_HZ)

# Ends counted as much as all the rest, of which natural pauses were three tenths.
BIAS = -3.1
HEIGHT_WEIGHT = -4.8
FADE_WEIGHT = -0.2
FIRMNESS_WEIGHT = -2.2
PACE_WEIGHT = -0.3
RISE_WEIGHT = 0.27

# One word in twenty within a phrase, one with an accent, is so high over the middle of the range, in octaves, and
# rises so steeply, in octaves a second.
QUESTION_HEIGHT, QUESTION_RISE = 0.3, 3.0
QUESTION_FINALITY = 0.5


class Cues(NamedTuple):
    """What the end of a stretch of voice sounds like."""

    height: float
    """Its last pitch over the median of the speaker's range, octaves."""
    fade_db: float
    """Level of the last pitched voice over that of the loud parts of the stretch."""
    firmness: float
    """Periodicity of the last voice over that of the stretch; a voice that creaks or breathes out has less."""
    pace_db: float
    """Mean change of level from hop to hop; syllables that follow each other slowly have less."""
    rise: float
    """Slope of the last pitch, octaves a second."""

    @property
    def finality(self) -> float:
        """How finished it sounds, 0 to 1."""
        evidence = BIAS + HEIGHT_WEIGHT * self.height + FADE_WEIGHT * self.fade_db
        evidence += FIRMNESS_WEIGHT * self.firmness + PACE_WEIGHT * self.pace_db
        evidence += RISE_WEIGHT * min(max(self.rise, -_MOST_RISE), _MOST_RISE)
        likelihood = 1 / (1 + math.exp(-evidence))
        asks = self.height >= QUESTION_HEIGHT and self.rise >= QUESTION_RISE
        return max(likelihood, QUESTION_FINALITY) if asks else likelihood


class VoiceRange:
    """Where a speaker's pitch lies, by what was heard of it so far; the latest counts most."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts = np.zeros(math.ceil(math.log2(HIGHEST_HZ / LOWEST_HZ) * _PLACES_PER_OCTAVE) + 1)
        """How often each pitch was heard, lowest first."""

    def learn(self, octaves: NDArray[np.float64]) -> None:
        """Take pitches, one a hop, as log2 of Hz."""
        _learn(octaves, _LOWEST, self.counts)

    @property
    def median(self) -> float:
        """The middle of the range, as log2 of Hz; the lowest pitch there is before anything was learned."""
        return _median(_LOWEST, self.counts)


def listen(heard: PitchTrack, voices: VoiceRange) -> Cues | None:
    """Measure the end of a track and learn its pitch; ``None`` when there was too little of that."""
    found = np.empty(5)
    if not _listen(heard.f0_hz, heard.strength, heard.level_db, _LOWEST, voices.counts, found):
        return None
    height, fade_db, firmness, pace_db, rise = found.tolist()
    return Cues(min(max(height, -_MOST_HEIGHT), _MOST_HEIGHT), fade_db, firmness, pace_db, rise * 1000 / HOP_MS)


@kernel("boolean(float64[::1], float64[::1], float64[::1], float64, float64[::1], float64[::1])")
def _listen(
    f0_hz: NDArray[np.float64],
    strength: NDArray[np.float64],
    level_db: NDArray[np.float64],
    lowest: float,
    counts: NDArray[np.float64],
    found: NDArray[np.float64],
) -> bool:
    """Fill in the cues in their order, the rise in octaves a hop; return whether there was enough pitch to learn."""
    pitched = 0
    hops = f0_hz.size
    places, octaves, firm, loud = np.empty(hops), np.empty(hops), np.empty(hops), np.empty(hops)
    for hop in range(hops):
        if f0_hz[hop] > 0:
            places[pitched], octaves[pitched] = hop, math.log2(f0_hz[hop])
            firm[pitched], loud[pitched] = strength[hop], level_db[hop]
            pitched += 1
    if pitched < _LEAST_PITCHED:
        return False
    _learn(octaves[:pitched], lowest, counts)
    found[0] = _quantile(octaves[pitched - _PITCH_END : pitched], 0.5) - _median(lowest, counts)
    found[1] = loud[pitched - _LEVEL_END : pitched].mean() - _quantile(level_db, 0.9)
    found[2] = firm[pitched - _PITCH_END : pitched].mean() - _quantile(firm[:pitched], 0.5)
    last = int(places[pitched - 1])
    first = max(last - _PACE, 0)
    pace = 0.0
    for hop in range(first, last):
        pace += abs(level_db[hop + 1] - level_db[hop])
    found[3] = pace / (last - first)
    recent = max(pitched - _RISE, 0)
    found[4] = _slope(places[recent:pitched], octaves[recent:pitched])
    return True


@kernel("void(float64[::1], float64, float64[::1])")
def _learn(octaves: NDArray[np.float64], lowest: float, counts: NDArray[np.float64]) -> None:
    counts *= (1 - 1 / _MEMORY_HOPS) ** octaves.size
    for octave in octaves:
        counts[min(max(int((octave - lowest) * _PLACES_PER_OCTAVE), 0), counts.size - 1)] += 1


@kernel("float64(float64, float64[::1])")
def _median(lowest: float, counts: NDArray[np.float64]) -> float:
    half, below, place = counts.sum() / 2, counts[0], 0
    while below < half:
        place += 1
        below += counts[place]
    return float(lowest + (place + 0.5) / _PLACES_PER_OCTAVE)


@kernel("float64(float64[::1], float64)")
def _quantile(values: NDArray[np.float64], part: float) -> float:
    return float(np.sort(values)[int(part * (values.size - 1))])


@kernel("float64(float64[::1], float64[::1])")
def _slope(places: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    """Of the straight line nearest to the values, per place."""
    off = places - places.mean()
    return float((off * values).sum() / (off * off).sum())
