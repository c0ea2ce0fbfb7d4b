"""Spectrum: how much a sound sits on two frequencies, and how much it has changed since 40 ms ago.

Tones sit on one or two frequencies and stay as they are; notes of music do so until the next is struck. A voice has
many harmonics, and its mouth is never still.

The spectra of now and of then are had by one transform, as the real and the imaginary part of what goes in (Press et
al., *Numerical Recipes*, "FFT of two real functions simultaneously"): radix 2, 256 points at 8 kHz, which are 32 ms
under a Hann window. Only the telephone band is looked at.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

RATES_HZ = (8000, 16000)
"""What samples may be at."""
NEEDED_MS = 72
"""What is listened to: two windows, the beginnings of which lie 40 ms apart."""

_POINTS, _APART = 256, 320
_NEEDED = _POINTS + _APART
# 31.25 Hz each: 188 to 3406 Hz.
_FIRST_BIN, _LAST_BIN = 6, 109
# A tone under a Hann window reaches two bins to each side of its own.
_REACH = 2
# What lies further under the strongest bin is the line's noise as likely as the sound.
_DEPTH = 10 ** (-25 / 10)
# A step of 16 bits in every sample has some 100: silence does not change.
_FLOOR = 100.0

_WINDOW = np.hanning(_POINTS)
_COSINES = np.cos(2 * np.pi * np.arange(_POINTS // 2) / _POINTS)
_SINES = np.sin(2 * np.pi * np.arange(_POINTS // 2) / _POINTS)


class Spectrum(NamedTuple):
    """One comparison."""

    concentration: float
    """Part of the power that the two strongest frequencies have: 1 for DTMF, some 0.2 for white noise."""
    change_db: float
    """How far the strong parts of the spectrum have moved since 40 ms ago, on the average; louder is no movement."""


def compare(pcm: NDArray[np.int16], rate_hz: int) -> Spectrum:
    """Compare the last 32 ms of contiguous int16 mono samples with those of 40 ms before.

    Raises ``ValueError`` for a rate that is not among ``RATES_HZ``, or fewer than ``NEEDED_MS`` of samples.
    """
    if rate_hz not in RATES_HZ:
        raise ValueError(f"spectra are compared at {RATES_HZ} Hz, not at {rate_hz}")
    decimation = rate_hz // RATES_HZ[0]
    if pcm.size < _NEEDED * decimation:
        raise ValueError(f"a comparison needs {NEEDED_MS} ms of samples")
    points, measured = np.empty((2, _POINTS)), np.empty(2)
    _transform(pcm, decimation, _WINDOW, _COSINES, _SINES, points)
    _measure(points, measured)
    return Spectrum(float(measured[0]), float(measured[1]))


@kernel("void(const int16[::1], int64, float64[::1], float64[::1], float64[::1], float64[:, ::1])")
def _transform(
    pcm: NDArray[np.int16],
    decimation: int,
    window: NDArray[np.float64],
    cosines: NDArray[np.float64],
    sines: NDArray[np.float64],
    points: NDArray[np.float64],
) -> None:
    """Fill in the real parts of the transform, which went in as now, and the imaginary ones, as then."""
    real, imaginary = points
    start = pcm.size - _NEEDED * decimation
    place = 0
    for i in range(_POINTS):
        now, then = 0.0, 0.0
        for j in range(decimation):
            then += pcm[start + i * decimation + j]
            now += pcm[start + (i + _APART) * decimation + j]
        # The bits of the place are those of i in reverse: it counts up from the other end.
        real[place] = now * window[i] / decimation
        imaginary[place] = then * window[i] / decimation
        bit = _POINTS >> 1
        while place & bit:
            place ^= bit
            bit >>= 1
        place |= bit
    half, stride = 1, _POINTS >> 1
    while half < _POINTS:
        for first in range(0, _POINTS, 2 * half):
            for low in range(first, first + half):
                high = low + half
                cosine, sine = cosines[(low - first) * stride], sines[(low - first) * stride]
                turned = real[high] * cosine + imaginary[high] * sine
                imaginary_turned = imaginary[high] * cosine - real[high] * sine
                real[high], imaginary[high] = real[low] - turned, imaginary[low] - imaginary_turned
                real[low] += turned
                imaginary[low] += imaginary_turned
        half, stride = 2 * half, stride >> 1


@kernel("void(float64[:, ::1], float64[::1])")
def _measure(points: NDArray[np.float64], measured: NDArray[np.float64]) -> None:
    """Fill in concentration and change."""
    real, imaginary = points
    powers, powers_then = np.zeros(_LAST_BIN + 1), np.empty(_LAST_BIN + 1)
    total, first, second = 0.0, _FIRST_BIN, 0
    for i in range(_FIRST_BIN, _LAST_BIN + 1):
        a, b, c, d = real[i], imaginary[i], real[_POINTS - i], imaginary[_POINTS - i]
        powers[i] = 0.25 * ((a + c) ** 2 + (b - d) ** 2) + _FLOOR
        powers_then[i] = 0.25 * ((a - c) ** 2 + (b + d) ** 2) + _FLOOR
        total += powers[i]
        if powers[i] > powers[first]:
            first = i
    # Bin 0 is empty, and the second peak where there is only one.
    for i in range(_FIRST_BIN, _LAST_BIN + 1):
        if abs(i - first) > _REACH and powers[i] > powers[second]:
            second = i
    held, count, mean = 0.0, 0, 0.0
    changes = np.empty(_LAST_BIN + 1)
    for i in range(_FIRST_BIN, _LAST_BIN + 1):
        if abs(i - first) <= _REACH or abs(i - second) <= _REACH:
            held += powers[i]
        if powers[i] > powers[first] * _DEPTH:
            changes[count] = 10.0 * math.log10(powers[i] / powers_then[i])
            mean += changes[count]
            count += 1
    mean /= count
    deviation = 0.0
    for i in range(count):
        deviation += abs(changes[i] - mean)
    measured[0] = held / total
    measured[1] = deviation / count
