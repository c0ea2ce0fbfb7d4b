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
from mediasrv.turn import gate
from mediasrv.turn.bands import EDGES_HZ

# A band's level in a frame of Gaussian noise has this standard deviation: 10 / ln 10 over the root of bandwidth times
# duration. Nothing wavers less, so an unrest below four fifths of it is luck; a third more is still steady.
GAUSSIAN_UNREST_DB = 10 / np.log(10) / np.sqrt(np.diff(EDGES_HZ) * PTIME_MS / 1000)
LEAST_UNREST_DB = 0.8 * GAUSSIAN_UNREST_DB
STEADY_DB = 1.3 * GAUSSIAN_UNREST_DB

# Shortest and longest period of a voice, 400 and 62 Hz.
PERIODS_MS = (2.5, 16.0)
# White and pink noise seldom reach 0.4, vowels in noise of 10 dB SNR start at 0.6.
VOICE_PERIODICITY = 0.5
_PERIODICITY_RATE_HZ = 8000


def hold_still(state: NDArray[np.float64]) -> None:
    """Take the last blocks, which held steady, for the line's noise."""
    means, _ = _blocks(state)
    _set_floor(state, means[-gate.STEADY_BLOCKS :].mean(axis=0))


def take_for_crowd(state: NDArray[np.float64]) -> None:
    """Take all that was heard in the last blocks for the line's noise."""
    means, squares = _blocks(state)
    level_db = means.mean(axis=0)
    wavers_db = np.sqrt(np.maximum(squares.mean(axis=0) - level_db**2, 0))
    state[gate.UNRESTS : gate.UNRESTS + gate.BANDS] = np.clip(wavers_db, LEAST_UNREST_DB, gate.MOST_UNREST_DB)
    # Not all the way: it could be someone who talks very fast.
    _set_floor(state, (level_db + means.min(axis=0)) / 2)


def _blocks(state: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean levels and mean squared levels of the last blocks, the newest last, by band."""
    newest = int(state[gate.FRAMES]) // gate.BLOCK_FRAMES % gate.BLOCKS
    return np.roll(state[gate.RING :].reshape(2, gate.BLOCKS, gate.BANDS), -newest, axis=1)


def _set_floor(state: NDArray[np.float64], levels_db: NDArray[np.float64]) -> None:
    state[gate.FLOORS : gate.UNRESTS] = levels_db
    state[gate.FLOOR_LEVEL] = gate.together(state[gate.FLOORS : gate.UNRESTS])


def periodicity(pcm: NDArray[np.int16], decimation: int) -> float:
    """Return how much samples at 8 kHz times ``decimation`` repeat themselves with the period of a voice, 0 to 1.

    The normalised square difference function of McLeod and Wyvill ("A smarter way to find pitch", 2005), read only
    past its first fall below zero: before it, any noise with more bass than treble resembles itself.
    """
    shortest, longest = (int(period_ms * _PERIODICITY_RATE_HZ / 1000) for period_ms in PERIODS_MS)
    samples = pcm.reshape(-1, decimation).mean(axis=1)
    most: float = _greatest_likeness(samples - samples.mean(), shortest, longest)
    return most


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
