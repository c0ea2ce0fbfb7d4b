"""Timbre: whether what was called voice is speech.

A voice detector hears coughs, keys, tones and music as voice. Inside an utterance that does little harm; where a
caller begins to speak, or breaks in, it stops the bot for nothing. So an onset has to gather evidence:

    frame -> traits -> evidence for or against speech -> sum, never under 0 -> BAR crossed: this run is speech

The sum is Page's test (Biometrika 41, 1954), which finds at any time that something has begun with the least delay
for its rate of false alarms; under 0 it does not sink, so a fricative, or a cough, costs the word that follows it
nothing. When the bar is crossed, the frames that led to it are counted at once, with some of those before: "seven" has
begun with its "s".

Only loud frames count. A voice holds its level, while what was struck is past its peak at once: of a knock, two
frames are left, and a detector's hangover is not voice.

What was called voice, spoke against speech and came to nothing is the background: music, somebody who types. Whoever
speaks before it has to be louder, or to give more evidence; it is forgotten in seconds.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.audio.pitch import Pitch, level_db, pitch
from mediasrv.audio.spectrum import NEEDED_MS, RATES_HZ, compare
from mediasrv.turn.depth import Depth
from mediasrv.turn.evidence import APERIODIC_STRENGTH, FIRST_RISE_DB, ROUGH_DEPTH_DB, Traits, evidence
from mediasrv.turn.voicerun import HOLE_MS

# Evidence that makes speech of a run: a vowel's frame gives 1 to 4.
BAR = 4.0
# What a frame pays that does not stand out of the background.
TOLL = 1.5
STANDS_OUT_DB = 10.0
BACKGROUND_SINKS_DB = 0.15
# A frame that speaks this clearly against speech belongs to the background, if its run is not speech after so long.
FOREIGN = -0.5
PATIENCE_FRAMES = 15

# Unstressed syllables lie within this depth under the loudest, the measure of which sinks by 25 dB a second.
LOUD_DEPTH_DB = 20.0
PEAK_SINKS_DB = 0.5
# Frames before the evidence began that may be the word's first consonant.
CREDIT_FRAMES = 5
HISTORY_FRAMES = 16
HELD_FRAMES = -(-NEEDED_MS // PTIME_MS)
SILENT_DB = -120.0
# What is less periodic says little of how deep a voice is.
PERIODIC_STRENGTH = 0.8


class Timbre:
    """Tells speech from what else a voice detector calls voice, in one stream of 20 ms frames.

    It keeps hold of the last frames until newer ones have come: their samples must not change.
    """

    __slots__ = ("_background_db", "_depth", "_heard", "_hole_ms", "_is_running", "_rate_hz", "_run")

    def __init__(self, rate_hz: int) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"timbre is told at {RATES_HZ} Hz, not at {rate_hz}")
        self._rate_hz = rate_hz
        silence = np.zeros(samples_in(PTIME_MS, rate_hz), np.int16)
        self._heard = deque([silence] * HELD_FRAMES, maxlen=HELD_FRAMES)
        self._hole_ms = 0
        self._background_db = SILENT_DB
        self._depth = Depth()
        self._run = _Run()
        self._is_running = False

    def hear(self, frame: NDArray[np.int16], voiced: bool) -> int:
        """Take the next 20 ms (contiguous int16, mono) with the detector's verdict; return the ms of speech they add.

        0 where a frame is no speech, or it is not known yet; 20 where it is; more where it shows that frames before
        it were speech too.
        """
        self._heard.append(frame)
        self._background_db -= BACKGROUND_SINKS_DB
        if not voiced:
            if self._is_running:
                self._hole_ms += PTIME_MS
                if self._hole_ms > HOLE_MS:
                    self._end_run()
            return 0
        self._is_running = True
        self._hole_ms = 0
        if self._run.is_speech:
            last = np.concatenate((self._heard[-2], frame))
            return PTIME_MS * self._run.is_loud(level_db(last, self._rate_hz))
        heard = np.concatenate(self._heard)
        voice = pitch(heard, self._rate_hz)
        is_loud = self._run.is_loud(voice.level_db)
        spectrum = compare(heard, self._rate_hz)
        return PTIME_MS * self._weigh(self._run.traits(voice, *spectrum), is_loud)

    def _end_run(self) -> None:
        if self._run.is_speech:
            self._depth.know(self._run.f0s_hz)
        else:
            self._background_db = max(self._background_db, *self._run.foreign_db)
        self._run = _Run()
        self._is_running = False

    def _weigh(self, traits: Traits, is_loud: bool) -> int:
        """Add a frame's evidence; return the frames that count now."""
        run = self._run
        weight = evidence(traits) - self._depth.toll(traits.f0_hz)
        stands_out = traits.level_db >= self._background_db + STANDS_OUT_DB
        counted = run.add(weight if stands_out else weight - TOLL, is_loud)
        # Levels that cannot be the caller's: what is merely in doubt may be his, and must not bar his way.
        run.foreign_db.append(traits.level_db if weight < FOREIGN else SILENT_DB)
        if len(run.foreign_db) > PATIENCE_FRAMES:
            self._background_db = max(self._background_db, run.foreign_db.popleft())
        return counted


class _Run:
    """Voice without a hole longer than a stop consonant's."""

    def __init__(self) -> None:
        self.is_speech = False
        self.past_db: deque[float] = deque(maxlen=HISTORY_FRAMES)
        """Levels of the last frames."""
        self._rough_db: deque[float] = deque(maxlen=HISTORY_FRAMES)
        self.foreign_db: deque[float] = deque()
        """Levels of the last frames that spoke against speech."""
        self.f0s_hz: deque[float] = deque(maxlen=CREDIT_FRAMES)
        """Clear pitches, the last of those before it was known to be speech."""
        self._f0_hz = 0.0
        self._peak_db = SILENT_DB
        self._evidence = 0.0
        self._loud_frames = self._evident_frames = 0

    def is_loud(self, level_db: float) -> bool:
        """Take the level of the next frame; return whether it is near the loudest."""
        self._peak_db = max(self._peak_db - PEAK_SINKS_DB, level_db)
        return level_db > self._peak_db - LOUD_DEPTH_DB

    def traits(self, voice: Pitch, concentration: float, change_db: float) -> Traits:
        """Compare a frame with those before it, and remember it."""
        moves = self._f0_hz > 0 and voice.f0_hz > 0
        loudest_db = max(self.past_db, default=voice.level_db - FIRST_RISE_DB)
        rough_db = voice.level_db - ROUGH_DEPTH_DB
        traits = Traits(
            level_db=voice.level_db,
            strength=voice.strength,
            f0_hz=voice.f0_hz,
            movement=12 * abs(math.log2(voice.f0_hz / self._f0_hz)) if moves else -1.0,
            change_db=change_db,
            concentration=concentration,
            rise_db=voice.level_db - loudest_db,
            rough_frames=sum(map(rough_db.__le__, self._rough_db)),
        )
        self.past_db.append(voice.level_db)
        self._rough_db.append(voice.level_db if voice.strength < APERIODIC_STRENGTH else SILENT_DB)
        self._f0_hz = voice.f0_hz
        if voice.f0_hz > 0 and voice.strength >= PERIODIC_STRENGTH:
            self.f0s_hz.append(voice.f0_hz)
        return traits

    def add(self, weight: float, is_loud: bool) -> int:
        """Add evidence; return how many frames count, when this one makes speech of the run, or 0."""
        self._loud_frames += is_loud
        self._evidence = max(self._evidence + weight, 0.0)
        self._evident_frames = self._evident_frames + is_loud if self._evidence else 0
        if self._evidence < BAR:
            return 0
        self.is_speech = True
        return min(self._loud_frames, self._evident_frames + CREDIT_FRAMES)
