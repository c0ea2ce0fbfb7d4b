"""The gate's slow twin: its steps one by one, each by a kernel of its own, and what lies between them in Python."""

from __future__ import annotations

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.turn import gate
from mediasrv.turn.bands import EDGES_HZ, band_passes
from mediasrv.turn.noise import LEAST_UNREST_DB, STEADY_DB, VOICE_PERIODICITY, periodicity
from mediasrv.turn.vad import LENIENT


class FilterBank:
    """Measures frame after frame of one stream; the filters ring on from each into the next."""

    def __init__(self, rate_hz: int) -> None:
        self._coefficients = band_passes(rate_hz)
        # Two delays and the energy of the present frame, per band.
        self._memory = np.zeros((3, len(EDGES_HZ) - 1))
        self.levels_db = np.full(len(EDGES_HZ) - 1, gate.QUIETEST_DB)
        """Level of each band in the last frame, float64, dBFS, never below ``gate.QUIETEST_DB``."""

    def measure(self, frame: NDArray[np.int16]) -> float:
        """Set ``levels_db`` to those of this contiguous frame; return the level of all bands together, dBFS.

        The sum knows no lower bound but that of digital silence, -120 dBFS.
        """
        level_db: float = gate.measure(frame, self._coefficients, self._memory, self.levels_db, gate.QUIETEST_DB)
        return level_db


class NoiseFloor:
    """Learns one stream's noise, frame by frame of 20 ms."""

    def __init__(self, rate_hz: int) -> None:
        bands = len(EDGES_HZ) - 1
        self.levels_db = np.zeros(bands)
        """The floor of each band, float64, dBFS; full scale, over which nothing stands out, before the first frame."""
        self.unrest_db = np.full(bands, gate.PRIOR_UNREST_DB)
        """How far each band is from its floor in a usual frame of noise, float64, scaled to a standard deviation."""
        self.level_db = 0.0
        """The floor of all bands together, dBFS."""
        self._before = np.zeros(rate_hz * PTIME_MS // 1000, np.int16)
        self._decimation = rate_hz // 8000
        self._frames = 0
        self._noise_frames = 0
        self._busy_frames = 0
        self._sums = np.zeros((2, bands))
        # Mean level and mean squared level of the last blocks, in a ring.
        self._blocks = np.full((2, gate.BLOCKS, bands), -np.inf)

    def excess(self, levels_db: NDArray[np.float64], least_unrest_db: float) -> float:
        """Return how far a frame's bands stand out: a root mean square over the bands, in units of their unrest.

        Unrest counts as ``least_unrest_db`` where it is less.
        """
        excess: float = gate.excess(levels_db, self.levels_db, self.unrest_db, least_unrest_db)
        return excess

    def learn(self, levels_db: NDArray[np.float64], frame: NDArray[np.int16], is_noise: bool) -> None:
        """Take a frame, the levels of its bands (dBFS) and whether the detector takes it for noise.

        The frame must not change before the next has come.
        """
        if self._frames == 0:
            self.levels_db[:] = levels_db
        self._frames += 1
        if is_noise:
            self._noise_frames += 1
            self._busy_frames = max(self._busy_frames - gate.PAUSE_FRAMES, 0)
        else:
            self._busy_frames += 1
        rate = max(1 / (self._noise_frames + gate.PRIOR_FRAMES), gate.LEARNING_RATE)
        self.level_db = gate.learn(
            levels_db, self.levels_db, self.unrest_db, LEAST_UNREST_DB, rate, is_noise, self._sums
        )
        if self._frames % gate.BLOCK_FRAMES == 0:
            self._review(frame, is_noise)
            self.level_db = gate.together(self.levels_db)
        self._before = frame

    def _review(self, frame: NDArray[np.int16], is_noise: bool) -> None:
        """Close a block and see what the blocks together say."""
        newest = (self._frames // gate.BLOCK_FRAMES - 1) % gate.BLOCKS
        # Here and below, a negative place in the ring counts from its end.
        wavers = gate.close_block(self._sums, self._blocks, newest, STEADY_DB, self.levels_db)
        known = self._frames >= gate.STEADY_BLOCKS * gate.BLOCK_FRAMES
        if known and not is_noise and wavers <= 1 and self._repeats(frame) < VOICE_PERIODICITY:
            self.levels_db[:] = self._blocks[0, [newest - age for age in range(gate.STEADY_BLOCKS)]].mean(axis=0)
        if self._busy_frames >= gate.CROWD_FRAMES:
            self._busy_frames -= gate.CROWD_AGAIN_FRAMES
            self._take_for_crowd()

    def _repeats(self, frame: NDArray[np.int16]) -> float:
        return periodicity(np.concatenate([self._before, frame]), self._decimation)

    def _take_for_crowd(self) -> None:
        means, squares = self._blocks
        level_db = means.mean(axis=0)
        wavers_db = np.sqrt(np.maximum(squares.mean(axis=0) - level_db**2, 0))
        np.clip(wavers_db, LEAST_UNREST_DB, gate.MOST_UNREST_DB, out=self.unrest_db)
        # Not all the way: it could be someone who talks very fast.
        self.levels_db[:] = (level_db + means.min(axis=0)) / 2


class StepByStep:
    """Tells voice from noise in one stream of 20 ms frames. No frame is held back: each is judged as it comes."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frame_samples = samples_in(PTIME_MS, rate_hz)
        self.reset()

    def reset(self) -> None:
        """Forget the stream, as for a new one."""
        self._webrtcvad = webrtcvad.Vad(LENIENT)
        self._bands = FilterBank(self._rate_hz)
        self._floor = NoiseFloor(self._rate_hz)
        self.level_db = gate.QUIETEST_DB
        """Level of the last frame in the telephone band, dBFS."""
        self._excesses = (0.0, 0.0, 0.0)
        self._voiced = False
        self._hangover_frames = 0
        self.loudness_db = gate.FAINTEST_VOICE_DB
        self._faint_frames = 0
        self._silent_frames = gate.INTERRUPTION_FRAMES

    @property
    def floor_db(self) -> float:
        """Level of the line's noise, as far as it is known, dBFS; 0 before the first frame."""
        return self._floor.level_db

    @property
    def fades(self) -> bool:
        """Whether the voice in the last frame is the end of a louder one that dies away.

        Those who wait for a silence need not wait for it.
        """
        return self._voiced and 0 < self._faint_frames <= gate.FADING_FRAMES

    def hear(self, frame: NDArray[np.int16]) -> bool:
        """Return whether there is voice in the next 20 ms of the stream (contiguous int16, mono).

        The frame must not change before the next has come. Raises ``ValueError`` for another length; the stream then
        goes on as if the frame had not come.
        """
        self.level_db = self._bands.measure(frame)
        excess = self._mean_excess()
        evident = self._stands_out(excess, frame) and self.level_db > self.loudness_db - gate.DEPTH_DB
        self._hold(evident)
        self._faint_frames = self._faint_frames + 1 if self._is_faint() else 0
        if not self._is_interrupted():
            self._floor.learn(self._bands.levels_db, frame, excess < gate.NOISE_EXCESS and not evident)
        return self._voiced

    def _mean_excess(self) -> float:
        forgiven_db = gate.FORGIVEN * (self.loudness_db - self._floor.level_db)
        excess = self._floor.excess(self._bands.levels_db, forgiven_db)
        _, second, third = self._excesses
        self._excesses = second, third, excess
        return (second + third + excess) / 3

    def _stands_out(self, excess: float, frame: NDArray[np.int16]) -> bool:
        bar = gate.KEEP_EXCESS if self._voiced else gate.BEGIN_EXCESS
        # webrtcvad adapts as well, so it has to hear every frame.
        if not self._webrtcvad.is_speech(frame.tobytes(), self._rate_hz, self._frame_samples):
            bar *= gate.DISSENT
        return excess > bar and (self._voiced or sorted(self._excesses)[1] > gate.NOISE_EXCESS)

    def _hold(self, evident: bool) -> None:
        """Let voice outlast its evidence by the hangover, and learn how loud it is."""
        if evident:
            self._voiced, self._hangover_frames = True, gate.HANGOVER_FRAMES
        elif self._hangover_frames > 0:
            self._hangover_frames -= 1
        else:
            self._voiced = False
        if evident and self.level_db > self.loudness_db:
            self.loudness_db += gate.LOUDNESS_RATE * (self.level_db - self.loudness_db)
        else:
            self.loudness_db = max(self.loudness_db - gate.LOUDNESS_SINKS_DB, gate.FAINTEST_VOICE_DB)

    def _is_faint(self) -> bool:
        return self.level_db < self.loudness_db + gate.FADING_DB or self._excesses[-1] < gate.FADING_EXCESS

    def _is_interrupted(self) -> bool:
        self._silent_frames = self._silent_frames + 1 if self.level_db < gate.DIGITAL_SILENCE_DB else 0
        return 0 < self._silent_frames <= gate.INTERRUPTION_FRAMES
