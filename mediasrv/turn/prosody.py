"""How finished the caller sounds: melody, loudness and pace of the last voice before a pause, whatever its words.

A speaker who comes to an end lets the pitch sink to the floor of his range, fades, creaks or breathes out, and slows
down; one who was cut off in mid-phrase does nothing of the kind. Five cues are weighed by logistic regression: four are
lower the more finished it sounds, and the last rise tells how much of the height is its own. Pitch only means
something beside the range of the speaker, which is learned from pause to pause; in the first one the stretch itself
is all there is to compare with.

A question may end in a rise. A phrase that is to go on may as well, only less steeply. So a steep rise to a high end
is no sign of either, and counts as a half at least.

The weights were fitted to the half of ``native_bench``'s recordings that is for tuning: 66 sentences, nearly all of
them prompts of one speaker (Debian's asterisk-core-sounds-en), mu-law coded, without noise and with noise 20 and 10 dB
below the voice, in calls of six. Ends of sentences stood against pauses put where people pause in mid-sentence. Weights
fitted to five sixths of the sentences and tried on the last sixth have an area under the curve of 0.91; all but
one end in a hundred lie above 0.2, and some six in ten of the pauses below. To hear an end is no reason for much
haste: at the pauses that the speaker makes herself where more is to follow, she sinks and slows as at an end (0.71 of
them lie above where 15 % of the ends lie lower). What it is worth for other voices is not
known; ``turn.doubt`` weighs it.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import pitch
from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.audio.pitch import HIGHEST_HZ, HOP_MS, LOWEST_HZ, PitchTrack

WINDOW_MS = 600
"""What is listened to before a pause: its last two or three syllables, and something to compare them with."""
BRIDGED_MS = 200
"""A longer silence is a pause: what was before it says nothing of how the voice after it ends."""
LEAST_PITCHED_MS = 100
"""With less pitch than this there is no judgement: a whisper, a cough, a lone consonant."""

# The end of a stretch: a short vowel for pitch, a syllable for loudness, which wavers more.
_PITCH_END_HOPS, _LEVEL_END_HOPS = 50 // HOP_MS, 100 // HOP_MS
_PACE_HOPS, _RISE_HOPS = 400 // HOP_MS, 200 // HOP_MS
# Beyond an octave from the middle of the range lie octave errors.
_MOST_HEIGHT = 1.0
# Octaves a second.
_MOST_RISE = 6.0

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

    # Half a semitone.
    _PLACES_PER_OCTAVE = 24
    # 10 s of pitch.
    _MEMORY_HOPS = 1000

    def __init__(self) -> None:
        self._lowest = math.log2(LOWEST_HZ)
        self._counts = np.zeros(math.ceil(math.log2(HIGHEST_HZ / LOWEST_HZ) * self._PLACES_PER_OCTAVE) + 1)

    def learn(self, octaves: NDArray[np.float64]) -> None:
        """Take pitches, one a hop, as log2 of Hz."""
        self._counts *= (1 - 1 / self._MEMORY_HOPS) ** octaves.size
        places = ((octaves - self._lowest) * self._PLACES_PER_OCTAVE).astype(np.int64)
        self._counts += np.bincount(np.clip(places, 0, self._counts.size - 1), minlength=self._counts.size)

    @property
    def median(self) -> float:
        """The middle of the range, as log2 of Hz; the lowest pitch there is before anything was learned."""
        below = self._counts.cumsum()
        return self._lowest + (int(below.searchsorted(below[-1] / 2)) + 0.5) / self._PLACES_PER_OCTAVE


class Prosody:
    """Hears one caller, and tells at a pause how finished the voice before it sounded."""

    __slots__ = (
        *("_bridged_frames", "_finality", "_frames", "_is_judged", "_kept_frames", "_range", "_rate_hz", "_ring"),
        *("_silent_frames", "_window_frames"),
    )

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._window_frames, self._bridged_frames = WINDOW_MS // PTIME_MS, BRIDGED_MS // PTIME_MS
        # The silence after the window is kept as well: it may turn out to lie within a stretch.
        self._kept_frames = self._window_frames + self._bridged_frames
        self._ring = np.zeros((self._kept_frames, samples_in(PTIME_MS, rate_hz)), np.int16)
        self._frames = 0
        self._silent_frames = self._bridged_frames + 1
        self._range = VoiceRange()
        self._finality: float | None = None
        self._is_judged = True

    def hear(self, frame: NDArray[np.int16], voiced: bool) -> None:
        """Take the next 20 ms of the caller, int16 mono, and whether there is voice in them."""
        if voiced:
            if self._silent_frames > self._bridged_frames:
                self._frames = 0
            self._silent_frames = 0
            self._is_judged = False
        else:
            if self._silent_frames > self._bridged_frames:
                # That much silence is not counted further.
                return
            self._silent_frames += 1
            if self._silent_frames > self._bridged_frames:
                return
        self._ring[self._frames % self._kept_frames] = frame
        self._frames += 1

    def finality(self) -> float | None:
        """Return how finished the last voice sounded, from 0 to 1, or ``None`` when there was too little pitch in it.

        Asked for the first time since there was voice, it listens to the last 600 ms, learns their pitch, and takes
        a fifth of a millisecond; the answer is kept until there is more voice.
        """
        if not self._is_judged:
            self._is_judged = True
            cues = self._cues(pitch.track(self._last_voice(), self._rate_hz))
            self._finality = None if cues is None else cues.finality
        return self._finality

    def _last_voice(self) -> NDArray[np.int16]:
        """The window, up to the end of the last voiced frame."""
        end = self._frames - min(self._silent_frames, self._bridged_frames)
        start = max(end - self._window_frames, 0)
        return self._ring[np.arange(start, end) % self._kept_frames].ravel()

    def _cues(self, heard: PitchTrack) -> Cues | None:
        pitched = heard.f0_hz.nonzero()[0]
        if pitched.size < LEAST_PITCHED_MS // HOP_MS:
            return None
        octaves = np.log2(heard.f0_hz[pitched])
        self._range.learn(octaves)
        height = _quantile(octaves[-_PITCH_END_HOPS:], 0.5) - self._range.median
        levels_db, strength = heard.level_db[pitched], heard.strength[pitched]
        last = int(pitched[-1])
        return Cues(
            height=min(max(height, -_MOST_HEIGHT), _MOST_HEIGHT),
            fade_db=float(levels_db[-_LEVEL_END_HOPS:].mean()) - _quantile(heard.level_db, 0.9),
            firmness=float(strength[-_PITCH_END_HOPS:].mean()) - _quantile(strength, 0.5),
            pace_db=float(np.abs(np.diff(heard.level_db[max(last - _PACE_HOPS, 0) : last + 1])).mean()),
            rise=_slope(pitched[-_RISE_HOPS:], octaves[-_RISE_HOPS:]) * 1000 / HOP_MS,
        )


def _quantile(values: NDArray[np.float64], part: float) -> float:
    return float(np.sort(values)[int(part * (values.size - 1))])


def _slope(places: NDArray[np.intp], values: NDArray[np.float64]) -> float:
    """Of the straight line nearest to the values, per place."""
    off = places - places.mean()
    return float(off @ values) / float(off @ off)
