"""What the line sounds like while nobody speaks: a level per band, and how much it wavers.

The floor is the mean level of a band in noise, its unrest the mean departure from it. Together they say how far a
frame stands out: 4 dB over a steady hiss is a voice, 4 dB over a room full of people is nothing. They are learned in
four ways, each of which mends what the ones before it cannot know:

1. A frame that the detector takes for noise moves them a little. In voice the floor can only sink. Under a block of
   frames that are far quieter it does not sink but drop.
2. A level that held steady in every band for ``STEADY_BLOCKS`` is noise that began during the call, whatever the
   detector says, and becomes the floor at once. A voice does not hold so still, except one that hums ("mmm"), which
   is told from noise by its period: that of the vocal folds.
3. No voice goes on for ``BLOCKS`` without letting each band rest: the floor is at least the quietest block of them.
4. Nor without letting all bands rest together. What does so for ``CROWD_FRAMES`` is many voices, or music: floor and
   unrest become what was heard in the last blocks.

The constants were tuned on studio prompts of one speaker, at several speeds, that no test uses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS
from mediasrv.audio.kernel import kernel
from mediasrv.turn.bands import EDGES_HZ

# A memory of 33 frames; while less than that was heard, all frames count the same.
LEARNING_RATE = 0.03
# Before anything was heard the floor could be anywhere near: as if these frames had wavered by this.
PRIOR_FRAMES = 3
PRIOR_UNREST_DB = 5.0
# A crowd wavers by more. But to allow for it would make us deaf to all that is not shouted.
MOST_UNREST_DB = 4.0
# A floor that lies so far over a block is a voice that the call began in the middle of, or noise that has ended.
DROP_DB = 10.0

# A band's level in a frame of Gaussian noise has this standard deviation: 10 / ln 10 over the root of bandwidth times
# duration. Nothing wavers less, so an unrest below four fifths of it is luck; a third more is still steady.
GAUSSIAN_UNREST_DB = 10 / np.log(10) / np.sqrt(np.diff(EDGES_HZ) * PTIME_MS / 1000)
LEAST_UNREST_DB = 0.8 * GAUSSIAN_UNREST_DB
STEADY_DB = 1.3 * GAUSSIAN_UNREST_DB

BLOCK_FRAMES = 5
# 2.5 s. A longer memory finds a little more speech in noise and takes that much longer to get used to other sounds.
BLOCKS = 25
# 200 ms. A fricative can be as steady for 100.
STEADY_BLOCKS = 2
# 3.5 s, from which each frame of noise takes 200 ms, so that a pause between two words is enough.
CROWD_FRAMES = 175
PAUSE_FRAMES = 10
# A crowd is looked at again after a second of more of it.
CROWD_AGAIN_FRAMES = 50

# Shortest and longest period of a voice, 400 and 62 Hz.
PERIODS_MS = (2.5, 16.0)
# White and pink noise seldom reach 0.4, vowels in noise of 10 dB SNR start at 0.6.
VOICE_PERIODICITY = 0.5
_PERIODICITY_RATE_HZ = 8000


class NoiseFloor:
    """Learns one stream's noise, frame by frame of 20 ms."""

    def __init__(self, rate_hz: int) -> None:
        bands = len(EDGES_HZ) - 1
        self.levels_db = np.zeros(bands)
        """The floor of each band, float64, dBFS; full scale, over which nothing stands out, before the first frame."""
        self.unrest_db = np.full(bands, PRIOR_UNREST_DB)
        """How far each band is from its floor in a usual frame of noise, float64, scaled to a standard deviation."""
        self.level_db = 0.0
        """The floor of all bands together, dBFS."""
        self._before = np.zeros(rate_hz * PTIME_MS // 1000, np.int16)
        self._decimation = rate_hz // _PERIODICITY_RATE_HZ
        self._frames = 0
        self._noise_frames = 0
        self._busy_frames = 0
        self._sums = np.zeros((2, bands))
        # Mean level and mean squared level of the last blocks, in a ring.
        self._blocks = np.full((2, BLOCKS, bands), -np.inf)

    def excess(self, levels_db: NDArray[np.float64], least_unrest_db: float) -> float:
        """Return how far a frame's bands stand out: a root mean square over the bands, in units of their unrest.

        Unrest counts as ``least_unrest_db`` where it is less.
        """
        excess: float = _excess(levels_db, self.levels_db, self.unrest_db, least_unrest_db)
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
            self._busy_frames = max(self._busy_frames - PAUSE_FRAMES, 0)
        else:
            self._busy_frames += 1
        rate = max(1 / (self._noise_frames + PRIOR_FRAMES), LEARNING_RATE)
        self.level_db = _learn(levels_db, self.levels_db, self.unrest_db, LEAST_UNREST_DB, rate, is_noise, self._sums)
        if self._frames % BLOCK_FRAMES == 0:
            self._review(frame, is_noise)
            self.level_db = _together(self.levels_db)
        self._before = frame

    def _review(self, frame: NDArray[np.int16], is_noise: bool) -> None:
        """Close a block and see what the blocks together say."""
        newest = (self._frames // BLOCK_FRAMES - 1) % BLOCKS
        # Here and below, a negative place in the ring counts from its end.
        wavers = _close_block(self._sums, self._blocks, newest, STEADY_DB, self.levels_db)
        known = self._frames >= STEADY_BLOCKS * BLOCK_FRAMES
        if known and not is_noise and wavers <= 1 and self._repeats(frame) < VOICE_PERIODICITY:
            self.levels_db[:] = self._blocks[0, [newest - age for age in range(STEADY_BLOCKS)]].mean(axis=0)
        if self._busy_frames >= CROWD_FRAMES:
            self._busy_frames -= CROWD_AGAIN_FRAMES
            self._take_for_crowd()

    def _repeats(self, frame: NDArray[np.int16]) -> float:
        return periodicity(np.concatenate([self._before, frame]), self._decimation)

    def _take_for_crowd(self) -> None:
        means, squares = self._blocks
        level_db = means.mean(axis=0)
        wavers_db = np.sqrt(np.maximum(squares.mean(axis=0) - level_db**2, 0))
        np.clip(wavers_db, LEAST_UNREST_DB, MOST_UNREST_DB, out=self.unrest_db)
        # Not all the way: it could be someone who talks very fast.
        self.levels_db[:] = (level_db + means.min(axis=0)) / 2


def periodicity(pcm: NDArray[np.int16], decimation: int) -> float:
    """Return how much samples at 8 kHz times ``decimation`` repeat themselves with the period of a voice, 0 to 1.

    The normalised square difference function of McLeod and Wyvill ("A smarter way to find pitch", 2005), read only
    past its first fall below zero: before it, any noise with more bass than treble resembles itself.
    """
    shortest, longest = (int(period_ms * _PERIODICITY_RATE_HZ / 1000) for period_ms in PERIODS_MS)
    samples = pcm.reshape(-1, decimation).mean(axis=1)
    most: float = _greatest_likeness(samples - samples.mean(), shortest, longest)
    return most


@kernel("float64(float64[::1], float64[::1], float64[::1], float64)")
def _excess(
    levels_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
    unrest_db: NDArray[np.float64],
    least_unrest_db: float,
) -> float:
    total = 0.0
    for band in range(levels_db.size):
        over = (levels_db[band] - floor_db[band]) / max(unrest_db[band], least_unrest_db)
        total += max(over, 0.0) ** 2
    return float(np.sqrt(total / levels_db.size))


@kernel("float64(float64[::1])")
def _together(levels_db: NDArray[np.float64]) -> float:
    power = 0.0
    for level in levels_db:
        power += 10.0 ** (level / 10.0)
    return float(10.0 * np.log10(power))


@kernel("float64(float64[::1], float64[::1], float64[::1], float64[::1], float64, boolean, float64[:, ::1])")
def _learn(
    levels_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
    unrest_db: NDArray[np.float64],
    least_unrest_db: NDArray[np.float64],
    rate: float,
    is_noise: bool,
    sums: NDArray[np.float64],
) -> float:
    """Move floor and unrest, add up the levels, and return the floor of all bands together."""
    # A Gaussian's standard deviation over its mean departure.
    spread = np.sqrt(np.pi / 2)
    for band in range(levels_db.size):
        departure = levels_db[band] - floor_db[band]
        if is_noise or departure < 0:
            floor_db[band] += rate * departure
        if is_noise:
            wavered = unrest_db[band] + rate * (spread * abs(departure) - unrest_db[band])
            unrest_db[band] = min(max(wavered, least_unrest_db[band]), MOST_UNREST_DB)
        sums[0, band] += levels_db[band]
        sums[1, band] += levels_db[band] ** 2
    return _together(floor_db)


@kernel("float64(float64[:, ::1], float64[:, :, ::1], int64, float64[::1], float64[::1])")
def _close_block(
    sums: NDArray[np.float64],
    blocks: NDArray[np.float64],
    newest: int,
    steady_db: NDArray[np.float64],
    floor_db: NDArray[np.float64],
) -> float:
    """Put the sums into the ring as means, raise the floor to the quietest block or let it drop to the newest.

    Returns the greatest standard deviation of a band over the last blocks, in units of its ``steady_db``; it means
    nothing before there are so many.
    """
    means, squares = blocks
    most = 0.0
    for band in range(floor_db.size):
        means[newest, band] = sums[0, band] / BLOCK_FRAMES
        squares[newest, band] = sums[1, band] / BLOCK_FRAMES
        sums[0, band] = sums[1, band] = 0.0
        floor_db[band] = max(floor_db[band], means[:, band].min())
        mean = square = 0.0
        for age in range(STEADY_BLOCKS):
            mean += means[newest - age, band] / STEADY_BLOCKS
            square += squares[newest - age, band] / STEADY_BLOCKS
        most = max(most, (square - mean * mean) / steady_db[band] ** 2)
    if (means[newest] - floor_db).mean() < -DROP_DB:
        floor_db[:] = means[newest]
    return float(np.sqrt(most))


@kernel("float64(float64[::1], int64, int64)")
def _greatest_likeness(samples: NDArray[np.float64], shortest: int, longest: int) -> float:
    most, fell = 0.0, False
    for lag in range(1, longest + 1):
        product = energy = 0.0
        for i in range(lag, samples.size):
            product += samples[i] * samples[i - lag]
            energy += samples[i] * samples[i] + samples[i - lag] * samples[i - lag]
        if product < 0:
            fell = True
        elif fell and lag >= shortest and 2 * product > most * energy:
            most = 2 * product / energy
    return most
