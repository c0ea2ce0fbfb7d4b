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

from functools import partial

import _webrtcvad
import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.turn import gate
from mediasrv.turn.bands import band_passes
from mediasrv.turn.gate import COUNTS, FADES, HOLDS_STILL, IS_CROWD, IS_VOICED
from mediasrv.turn.noise import (
    LEAST_UNREST_DB,
    STEADY_DB,
    VOICE_PERIODICITY,
    hold_still,
    periodicity,
    take_for_crowd,
)

RATES_HZ = (8000, 16000)
"""What frames may be sampled at."""

# Three of four voiced frames are as loud as this under the loudness; of the last before a pause hardly any is.
FULL_DB = 6.0
# The mode that misses least; the gate sees to the rest.
LENIENT = 0


class VoiceDetector:
    """Tells voice from noise in one stream of 20 ms frames. No frame is held back: each is judged as it comes."""

    __slots__ = ("_before", "_frame_samples", "_hears_speech", "_line", "_rate_hz", "fades")

    def __init__(self, rate_hz: int) -> None:
        if rate_hz not in RATES_HZ:
            raise ValueError(f"voice is detected at {RATES_HZ} Hz, not at {rate_hz}")
        self._rate_hz = rate_hz
        self._frame_samples = samples_in(PTIME_MS, rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as for a new one."""
        # The package's machine code without its class, which asks in Python what is known here and wants a copy.
        judge = _webrtcvad.create()
        _webrtcvad.init(judge)
        _webrtcvad.set_mode(judge, LENIENT)
        self._hears_speech = partial(_webrtcvad.process, judge, self._rate_hz)
        self._line = gate.line(band_passes(self._rate_hz), LEAST_UNREST_DB, STEADY_DB)
        self._before = np.zeros(self._frame_samples, np.int16)
        self.fades = False
        """Whether the voice in the last frame is the end of a louder one that dies away.

        Those who wait for a silence need not wait for it.
        """

    @property
    def level_db(self) -> float:
        """Level of the last frame in the telephone band, dBFS."""
        return float(self._line[gate.LEVEL])

    @property
    def floor_db(self) -> float:
        """Level of the line's noise, as far as it is known, dBFS; 0 before the first frame."""
        return float(self._line[gate.FLOOR_LEVEL])

    @property
    def loudness_db(self) -> float:
        """How loud the caller is, dBFS, as far as he was heard."""
        return float(self._line[gate.LOUDNESS])

    @property
    def is_full(self) -> bool:
        """Whether the last frame was about as loud as the caller is: before a voice ends it is fainter, as a rule."""
        return bool(self._line[gate.LEVEL] > self._line[gate.LOUDNESS] - FULL_DB)

    def hear(self, frame: NDArray[np.int16]) -> bool:
        """Return whether there is voice in the next 20 ms of the stream (contiguous int16, mono).

        The frame must not change before the next has come. Raises ``ValueError`` for another length; the stream then
        goes on as if the frame had not come.
        """
        size = self._frame_samples
        if len(frame) != size:
            raise ValueError(f"a frame at {self._rate_hz} Hz has {size} samples")
        # webrtcvad adapts as well, so it has to hear every frame.
        flags = gate.judge(frame, self._hears_speech(frame, size), self._line)
        if flags == COUNTS:
            # A quiet line, as it is most of the time.
            self._before = frame
            self.fades = False
            return False
        if flags & (HOLDS_STILL | IS_CROWD):
            self._review(flags, frame)
        if flags & COUNTS:
            self._before = frame
        self.fades = flags & FADES > 0
        return flags & IS_VOICED > 0

    def _review(self, flags: int, frame: NDArray[np.int16]) -> None:
        """See what the last blocks together say of the line."""
        if flags & HOLDS_STILL and self._repeats(frame) < VOICE_PERIODICITY:
            hold_still(self._line)
        if flags & IS_CROWD:
            take_for_crowd(self._line)

    def _repeats(self, frame: NDArray[np.int16]) -> float:
        return periodicity(np.concatenate([self._before, frame]), self._rate_hz // RATES_HZ[0])
