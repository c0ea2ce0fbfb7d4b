"""Hearing: whether the caller's voice is in a frame.

webrtcvad judges speech by its spectrum and its level, with little notion of the line it listens to: steady noise
above some -30 dBFS is all speech to it. So it stands behind a gate of ours that knows the noise of this line:

    frame -> levels of four bands -> how far they stand out of the noise floor -> mean over three frames -> bar
                                                    ^                                                        |
                                                    `---- the floor learns, unless it was voice <------------'

The bar has two heights, one to begin and a lower one to go on, and twice that where webrtcvad hears no speech. What
passes it must also not be far fainter than the voice that was heard so far: after a loud voice, the room's echo and a
neighbour are silence.

The first frame of a call is noise until shown otherwise: who is on the line in mid-word when it opens is heard from
the first dip between two syllables on.
"""

from __future__ import annotations

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.turn.bands import QUIETEST_DB, FilterBank
from mediasrv.turn.noise import NoiseFloor

RATES_HZ = (8000, 16000)
"""What frames may be sampled at."""

# Mean excess of three frames (in units of the noise's unrest) that begins a voice, and that keeps it going: what noise
# has on the average.
BEGIN_EXCESS = 2.0
KEEP_EXCESS = 0.7
# Noise seldom has more, so the floor learns up to here. Two of three frames that have more must begin a voice: one
# alone is a click.
NOISE_EXCESS = 1.2
# What webrtcvad's "no" does to the bar, which keeps swells of a faint hiss out. It is wrong too often to have the last
# word.
DISSENT = 2.0
# The mode that misses least; the gate sees to the rest.
LENIENT = 0

# Stops within words fall silent for longer; the turn machine's own patience is for those.
HANGOVER_FRAMES = 1

# Louder frames draw the measure of the caller's voice up quickly, then it sinks by 2.5 dB a second, though not below
# that of a caller who is hard to understand. Syllables and final consonants lie within the depth of it, tails of
# reverberation and voices in the background do not.
LOUDNESS_RATE = 0.1
LOUDNESS_SINKS_DB = 0.05
FAINTEST_VOICE_DB = -38.0
DEPTH_DB = 27.0
# A voice that has sunk so far under that measure, or that has hardly more of its own than noise, is dying away in the
# room or in a breath. One that goes on like that for longer than this is somebody who speaks.
FADING_DB = -18.0
FADING_EXCESS = 1.5
FADING_FRAMES = 14
# The clearer the voice stands above the noise, the more an unrest of the noise is forgiven: this part of the distance.
FORGIVEN = 1 / 14

# A line that falls digitally silent is interrupted, and says nothing of the room; from 200 ms on it is the room.
DIGITAL_SILENCE_DB = -85.0
INTERRUPTION_FRAMES = 10


class VoiceDetector:
    """Tells voice from noise in one stream of 20 ms frames. No frame is held back: each is judged as it comes."""

    def __init__(self, rate_hz: int) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"voice is detected at {RATES_HZ} Hz, not at {rate_hz}")
        self._rate_hz = rate_hz
        self._frame_samples = samples_in(PTIME_MS, rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as for a new one."""
        self._webrtcvad = webrtcvad.Vad(LENIENT)
        self._bands = FilterBank(self._rate_hz)
        self._floor = NoiseFloor(self._rate_hz)
        self.level_db = QUIETEST_DB
        """Level of the last frame in the telephone band, dBFS."""
        self._excesses = (0.0, 0.0, 0.0)
        self._voiced = False
        self._hangover_frames = 0
        self._loudness_db = FAINTEST_VOICE_DB
        self._faint_frames = 0
        self._silent_frames = INTERRUPTION_FRAMES

    @property
    def floor_db(self) -> float:
        """Level of the line's noise, as far as it is known, dBFS; 0 before the first frame."""
        return self._floor.level_db

    @property
    def fades(self) -> bool:
        """Whether the voice in the last frame is the end of a louder one that dies away.

        Those who wait for a silence need not wait for it.
        """
        return self._voiced and 0 < self._faint_frames <= FADING_FRAMES

    def hear(self, frame: NDArray[np.int16]) -> bool:
        """Return whether there is voice in the next 20 ms of the stream (contiguous int16, mono).

        The frame must not change before the next has come. Raises ``ValueError`` for another length; the stream then
        goes on as if the frame had not come.
        """
        if frame.size != self._frame_samples:
            raise ValueError(f"a frame at {self._rate_hz} Hz has {self._frame_samples} samples")
        self.level_db = self._bands.measure(frame)
        excess = self._mean_excess()
        evident = self._stands_out(excess, frame) and self.level_db > self._loudness_db - DEPTH_DB
        self._hold(evident)
        self._faint_frames = self._faint_frames + 1 if self._is_faint() else 0
        if not self._is_interrupted():
            self._floor.learn(self._bands.levels_db, frame, excess < NOISE_EXCESS and not evident)
        return self._voiced

    def _mean_excess(self) -> float:
        forgiven_db = FORGIVEN * (self._loudness_db - self._floor.level_db)
        excess = self._floor.excess(self._bands.levels_db, forgiven_db)
        _, second, third = self._excesses
        self._excesses = second, third, excess
        return (second + third + excess) / 3

    def _stands_out(self, excess: float, frame: NDArray[np.int16]) -> bool:
        bar = KEEP_EXCESS if self._voiced else BEGIN_EXCESS
        # webrtcvad adapts as well, so it has to hear every frame.
        if not self._webrtcvad.is_speech(frame.tobytes(), self._rate_hz, self._frame_samples):
            bar *= DISSENT
        return excess > bar and (self._voiced or sorted(self._excesses)[1] > NOISE_EXCESS)

    def _hold(self, evident: bool) -> None:
        """Let voice outlast its evidence by the hangover, and learn how loud it is."""
        if evident:
            self._voiced, self._hangover_frames = True, HANGOVER_FRAMES
        elif self._hangover_frames > 0:
            self._hangover_frames -= 1
        else:
            self._voiced = False
        if evident and self.level_db > self._loudness_db:
            self._loudness_db += LOUDNESS_RATE * (self.level_db - self._loudness_db)
        else:
            self._loudness_db = max(self._loudness_db - LOUDNESS_SINKS_DB, FAINTEST_VOICE_DB)

    def _is_faint(self) -> bool:
        return self.level_db < self._loudness_db + FADING_DB or self._excesses[-1] < FADING_EXCESS

    def _is_interrupted(self) -> bool:
        self._silent_frames = self._silent_frames + 1 if self.level_db < DIGITAL_SILENCE_DB else 0
        return 0 < self._silent_frames <= INTERRUPTION_FRAMES
