"""Loudness of samples, and what changes it: gain, fades, mixing. Every result saturates, none wraps around."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

FLOOR_DB = -96.0
"""Level of silence: nothing that 16 bits can hold is quieter by much."""


def level_db(pcm: NDArray[np.int16]) -> float:
    """RMS level in dB relative to full scale (a full square wave is 0, a full sine -3), ``FLOOR_DB`` for silence."""
    return _level_db(pcm)


def gain(pcm: NDArray[np.int16], gain_db: float) -> NDArray[np.int16]:
    """Return the samples made louder, or quieter when ``gain_db`` is negative."""
    factor = 10.0 ** (gain_db / 20)
    return fade(pcm, factor, factor)


def fade(pcm: NDArray[np.int16], from_gain: float, to_gain: float) -> NDArray[np.int16]:
    """Return the samples times a factor that moves in a straight line.

    The first sample has ``from_gain``; ``to_gain`` is reached by the sample *after* the last, so that the next piece of
    a longer fade goes on from there.
    """
    faded = np.empty(pcm.size, np.int16)
    _fade(pcm, from_gain, to_gain, faded)
    return faded


def mix(a: NDArray[np.int16], b: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the sum of two pieces of equal length; raise ``ValueError`` when the lengths differ."""
    if a.size != b.size:
        raise ValueError(f"cannot mix {a.size} samples with {b.size}")
    mixed = np.empty(a.size, np.int16)
    _mix(a, b, mixed)
    return mixed


@kernel("float64(const int16[::1])")
def _level_db(pcm: NDArray[np.int16]) -> float:
    energy = 0
    for i in range(pcm.size):
        energy += int(pcm[i]) * int(pcm[i])
    if energy == 0:
        return FLOOR_DB
    return max(FLOOR_DB, 10 * math.log10(energy / pcm.size / 32768.0**2))


@kernel("void(const int16[::1], float64, float64, int16[::1])")
def _fade(pcm: NDArray[np.int16], from_gain: float, to_gain: float, faded: NDArray[np.int16]) -> None:
    step = (to_gain - from_gain) / max(pcm.size, 1)
    for i in range(pcm.size):
        sample = np.rint(pcm[i] * (from_gain + step * i))
        faded[i] = np.int16(min(max(sample, -32768.0), 32767.0))


@kernel("void(const int16[::1], const int16[::1], int16[::1])")
def _mix(a: NDArray[np.int16], b: NDArray[np.int16], mixed: NDArray[np.int16]) -> None:
    for i in range(a.size):
        mixed[i] = min(max(a[i] + b[i], -32768), 32767)
