"""How much of a frame is what came before it: its correlation with a reference at every delay of a range.

The score of a delay is the squared coefficient of correlation: the part of the frame's energy that is the reference,
so much later and made louder or fainter by some factor, whatever its sign. It is 1 for a copy and near 0 for what has
nothing to do with it. A single frame is too little to go by, because vowels are like each other; so sums of products
and of energies are kept for every delay, in which older frames count for less. A true echo adds up at one delay,
while the chance likenesses of two voices are at another one in every frame.

Both sides are first reduced to the telephone band at 8 kHz, because a line leaves nothing else of a voice. Samples
are then held within 12 bits, so that a frame's sums of products stay within 32, of which the processor forms sixteen
or more at a time.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS, samples_in
from mediasrv.audio.kernel import kernel

RATE_HZ = 8000
"""Rate at which likeness is measured."""
FRAME_SAMPLES = samples_in(PTIME_MS, RATE_HZ)

_BAND_HZ = (300, 3400)
# Shorter filters let through what is below the band, which a voice has much of and its echo nothing.
_TAPS_MS = 6
# Voices are alike in their low tones. This tilts them, by 9 dB from one end of the band to the other, so that what
# tells them apart counts for more; more of it and the noise of the line does too.
_EMPHASIS = 0.5
# Its square times the samples of a frame must stay below 2**31.
_LIMIT = 3600
# Voices seldom have a peak over -5 dBFS, and clipping one does no harm.
_GAIN = 0.2
# Coefficients are integers, in units of 2**-14: their sums too stay within 32 bits.
_UNITY_BITS = 14
_HALF = 1 << _UNITY_BITS - 1
# A reference that is fainter than this, on the whole, says nothing.
_LEAST_DBFS = -66.0


def energy_at(level_dbfs: float) -> float:
    """Energy of a frame of band-limited samples at this level, dBFS, as ``energy`` measures it."""
    return float(FRAME_SAMPLES * (_GAIN * 32768) ** 2 * 10.0 ** (level_dbfs / 10))


def energy(samples: NDArray[np.int16]) -> float:
    """Sum of the squares of contiguous samples."""
    return _energy(samples)


class Likeness(NamedTuple):
    """What of a frame, and of those before it, is the reference at its best delay."""

    score: float
    """Of all frames so far, 0 to 1."""
    delay: int
    """Where that is, samples of 8 kHz."""
    frame_score: float
    """Of this frame alone, 0 to 1."""
    frame_delay: int
    """Where that is, samples of 8 kHz."""


class Band:
    """The telephone band of one stream at 8 kHz, which ``Correlator`` compares."""

    def __init__(self, rate_hz: int) -> None:
        self._step = rate_hz // RATE_HZ
        self._coefficients = _band_pass(rate_hz)
        self.reach = self._coefficients.size - self._step
        """Samples of the stream that the first output looks back on."""

    def of(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the band of contiguous samples, the first ``reach`` of which only lead in; 12 bits."""
        out = np.empty((pcm.size - self.reach) // self._step, np.int16)
        _filter(pcm, self._coefficients, self._step, _LIMIT, out)
        return out


class Correlator:
    """Compares frame after frame with a reference at the delays ``shortest`` to ``longest``, in samples of 8 kHz."""

    def __init__(self, shortest: int, longest: int) -> None:
        self.shortest, self.longest = shortest, longest
        delays = longest - shortest + 1
        self._products, self._energies, self._found = np.zeros(delays), np.zeros(delays), np.zeros(5)

    def reset(self) -> None:
        """Forget all frames."""
        self._products[:] = self._energies[:] = 0.0
        self._found[:] = 0.0

    def compare(self, frame: NDArray[np.int16], reference: NDArray[np.int16], keep: float) -> Likeness:
        """Return how like the reference a frame of ``FRAME_SAMPLES`` is; what was before counts ``keep`` times.

        The reference holds what came between ``longest`` samples before the frame and ``shortest`` before its end.
        """
        if reference.size != self._products.size + FRAME_SAMPLES - 1:
            raise ValueError(f"{self._products.size} delays need another reference than one of {reference.size}")
        _correlate(frame, reference, keep, energy_at(_LEAST_DBFS), self._products, self._energies, self._found)
        _, best, score, frame_best, frame_score = self._found.tolist()
        return Likeness(score, self.longest - int(best), frame_score, self.longest - int(frame_best))


@lru_cache(maxsize=2)
def _band_pass(rate_hz: int) -> NDArray[np.int16]:
    taps, step = samples_in(_TAPS_MS, rate_hz), rate_hz // RATE_HZ
    places = np.arange(taps) - (taps - 1) / 2
    low, high = (2 * edge_hz / rate_hz * np.sinc(2 * edge_hz * places / rate_hz) for edge_hz in _BAND_HZ)
    emphasis = np.array([1.0, *[0.0] * (step - 1), -_EMPHASIS])
    exact = np.convolve((high - low) * np.hamming(taps), emphasis) * _GAIN
    return np.asarray(np.rint(exact * (1 << _UNITY_BITS)), np.int16)


@kernel("float64(const int16[::1])")
def _energy(samples: NDArray[np.int16]) -> float:
    total: Any = 0
    for i in range(samples.size):
        total += np.int64(samples[i]) * np.int64(samples[i])
    return float(total)


# Indices are unsigned because numba otherwise asks of each whether it counts from the end, which keeps the compiler
# from multiplying many samples at a time.
@kernel("void(const int16[::1], const int16[::1], int64, int64, int16[::1])")
def _filter(
    pcm: NDArray[np.int16], coefficients: NDArray[np.int16], step: int, limit: int, out: NDArray[np.int16]
) -> None:
    taps, start = np.uint64(coefficients.size), np.uint64(0)
    for i in range(out.size):
        total: Any = np.int32(_HALF)
        for k in range(taps):
            total = np.int32(total + np.int32(pcm[start + k]) * np.int32(coefficients[k]))
        out[i] = min(max(int(total) >> _UNITY_BITS, -limit), limit)
        start += np.uint64(step)


@kernel("void(const int16[::1], const int16[::1], float64, float64, float64[::1], float64[::1], float64[::1])")
def _correlate(
    frame: NDArray[np.int16],
    reference: NDArray[np.int16],
    keep: float,
    least: float,
    products: NDArray[np.float64],
    energies: NDArray[np.float64],
    found: NDArray[np.float64],
) -> None:
    size, at = np.uint64(frame.size), np.uint64(0)
    own: Any = 0
    energy: Any = 0
    for i in range(size):
        own += np.int64(frame[i]) * np.int64(frame[i])
        energy += np.int64(reference[i]) * np.int64(reference[i])
    best, frame_best = 0.0, 0.0
    found[0] = found[0] * keep + own
    found[1:] = 0.0
    for k in range(products.size):
        total: Any = np.int32(0)
        # Where nothing was played there is nothing to multiply: half of the delays, once the bot has fallen silent.
        if energy > 0:
            for i in range(size):
                total = np.int32(total + np.int32(frame[i]) * np.int32(reference[at + i]))
        products[k] = products[k] * keep + total
        energies[k] = energies[k] * keep + energy
        if energies[k] > least and products[k] * products[k] > best * energies[k]:
            best = products[k] * products[k] / energies[k]
            found[1] = k
        if energy > least and float(total) * float(total) > frame_best * energy:
            frame_best = float(total) * float(total) / energy
            found[3] = k
        if at + size < reference.size:
            after, before = np.int64(reference[at + size]), np.int64(reference[at])
            energy += after * after - before * before
        at += np.uint64(1)
    found[2] = best / max(found[0], 1.0)
    found[4] = frame_best / max(own, 1)
