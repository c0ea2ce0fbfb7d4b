"""Streaming change of sample rate by a polyphase FIR filter, for live audio: short delay, exact position, no drift.

With L / M the ratio of the rates in lowest terms, output j lies at input position j * M / L. Its whole part says where
in the input the filter stands, its fraction which of L sets of coefficients ("phases") is used:

    out[j] = sum over k of in[j * M // L - reach + 1 + k] * phase[j * M % L][k]        k = 0 … 2 * reach - 1

Positions are integers, so nothing drifts, and each output depends on its place in the stream alone, never on how the
stream was cut. Output j carries the time of its place: the filter's delay is not shifted into the audio but held back
in samples, given out as the input goes on or by ``flush``.

The filter is a windowed sinc (Kaiser) that ends at half of the lower rate: all of it above is alias or image. It
reaches 22 samples of the lower rate to each side, which is its delay: 2.75 ms at 8 kHz. That buys a transition of
9 % of the lower rate at more than 60 dB: with 8 kHz, flat within 0.1 dB to 3.3 kHz, 60 dB down from 4 kHz on.

Coefficients are 16-bit integers (a quantum is -84 dB) and sums are 32-bit. Integer sums have no order, so the
compiler may use the widest instructions there are and the result is still the same on every machine.
"""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

RATES_HZ = (8000, 16000, 22050, 24000, 44100, 48000)
"""What carriers, recognisers and voices use, and what is tested pair by pair."""

_REACH_SAMPLES = 22
# Rounding the coefficients costs up to 7 dB of this (at 48 to 8 kHz, where there are the most of them).
_STOPBAND_DB = 68.0
_BETA = 0.1102 * (_STOPBAND_DB - 8.7)
_TRANSITION = (_STOPBAND_DB - 7.95) / 14.36 / (2 * _REACH_SAMPLES)
_UNITY_BITS = 14
_HALF = 1 << _UNITY_BITS - 1


class Filter(NamedTuple):
    """One pair's coefficients and how its outputs step through the input."""

    up: int
    """L: outputs per ``down`` inputs."""
    down: int
    """M: inputs per ``up`` outputs."""
    reach: int
    """Input samples that an output looks ahead; and as many back, itself included."""
    coefficients: NDArray[np.int16]
    """``up`` phases of ``2 * reach`` coefficients, one after the other, in units of 2**-14."""


class Resampler:
    """One stream's change of rate.

    ``push`` pieces of any size, then ``flush``; the outputs together are the same however the input was cut, and
    ``round(samples * to_hz / from_hz)`` in number. After ``flush`` it starts anew.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        if from_hz not in RATES_HZ or to_hz not in RATES_HZ:
            raise ValueError(f"cannot resample {from_hz} Hz to {to_hz} Hz: rates are {', '.join(map(str, RATES_HZ))}")
        self._from_hz = from_hz
        self._filter = design(from_hz, to_hz) if from_hz != to_hz else None
        self._restart()

    @property
    def delay_ms(self) -> float:
        """How long a sample is held back for those after it."""
        return 1000 * self._filter.reach / self._from_hz if self._filter else 0.0

    def push(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return what can be computed now; with equal rates, the very array that was given."""
        if self._filter is None:
            return pcm
        self._pushed += pcm.size
        up, down, reach, _ = self._filter
        # Output j looks ahead to input j * down // up + reach, which must have been pushed.
        computable = -((reach - self._pushed) * up // down)
        return self._produce(pcm, max(computable - self._produced, 0))

    def flush(self) -> NDArray[np.int16]:
        """Return the rest of the stream, as if silence followed it."""
        if self._filter is None:
            return np.empty(0, np.int16)
        total = round(Fraction(self._pushed * self._filter.up, self._filter.down))
        tail = self._produce(np.zeros(2 * self._filter.reach, np.int16), total - self._produced)
        self._restart()
        return tail

    def _restart(self) -> None:
        self._pushed = 0
        self._produced = 0
        # Before the stream there was silence. ``_held`` begins at the first input that the next output looks at.
        self._held = np.zeros(self._filter.reach - 1 if self._filter else 0, np.int16)
        self._held_from = -self._held.size

    def _produce(self, pcm: NDArray[np.int16], count: int) -> NDArray[np.int16]:
        """Append input, compute the next outputs, let go of what no later one looks at."""
        assert self._filter is not None
        up, down, reach, coefficients = self._filter
        window = np.concatenate((self._held, pcm))
        out = np.empty(count, np.int16)
        place = self._produced * down
        _filter(window, coefficients, 2 * reach, place % up, place // up - reach + 1 - self._held_from, up, down, out)
        self._produced += count
        needed_from = self._produced * down // up - reach + 1
        self._held = window[needed_from - self._held_from :]
        self._held_from = needed_from
        return out


def resampler(from_hz: int, to_hz: int) -> Resampler | None:
    """A stream from the one rate to the other; ``None`` where they are the same."""
    return None if from_hz == to_hz else Resampler(from_hz, to_hz)


@lru_cache(maxsize=len(RATES_HZ) ** 2)
def design(from_hz: int, to_hz: int) -> Filter:
    """Compute a pair's filter; takes milliseconds, so it is done once, when the first stream of a pair starts."""
    divisor = math.gcd(from_hz, to_hz)
    up, down = to_hz // divisor, from_hz // divisor
    lower_hz = min(from_hz, to_hz)
    reach = math.ceil(_REACH_SAMPLES * from_hz / lower_hz)
    # Distance of each phase's taps from the output, in input samples; the window ends where the reach does.
    taps = np.arange(1 - reach, reach + 1)
    distance = taps[np.newaxis, :] - np.arange(up)[:, np.newaxis] / up
    half_width = _REACH_SAMPLES * from_hz / lower_hz
    window = np.i0(_BETA * np.sqrt(np.maximum(1 - (distance / half_width) ** 2, 0))) * (abs(distance) < half_width)
    cutoff = (1 - _TRANSITION) * lower_hz / from_hz
    return Filter(up, down, reach, _quantized(np.sinc(cutoff * distance) * window))


def _quantized(phases: NDArray[np.float64]) -> NDArray[np.int16]:
    """Scale each phase to a gain of exactly one, so that a constant stays one, and round it.

    What a rounded phase lacks of one is given to the coefficients that lost the most by rounding: all of it on a single
    coefficient would cost up to 4 dB of rejection.
    """
    unity = 1 << _UNITY_BITS
    exact = phases / phases.sum(axis=1, keepdims=True) * unity
    rounded = np.rint(exact)
    lacking = unity - rounded.sum(axis=1, keepdims=True)
    lost = (exact - rounded) * np.sign(lacking)
    rank = np.argsort(np.argsort(-lost, axis=1), axis=1)
    rounded += np.sign(lacking) * (rank < abs(lacking))
    return np.asarray(rounded, np.int16).ravel()


# Indices are unsigned because numba otherwise asks of each whether it counts from the end, which keeps the compiler
# from multiplying many samples at a time (5 times slower, measured).
@kernel("void(const int16[::1], const int16[::1], int64, int64, int64, int64, int64, int16[::1])")
def _filter(
    window: NDArray[np.int16],
    coefficients: NDArray[np.int16],
    taps: Any,
    phase: int,
    start: Any,
    up: int,
    down: int,
    out: NDArray[np.int16],
) -> None:
    taps, start = np.uint64(taps), np.uint64(start)
    whole, rest = np.uint64(down // up), down % up
    for j in range(out.size):
        row = np.uint64(phase) * taps
        total = np.int32(_HALF)
        for k in range(taps):
            total = np.int32(total + np.int32(window[start + k]) * np.int32(coefficients[row + k]))
        out[j] = min(max(int(total) >> _UNITY_BITS, -32768), 32767)
        start += whole
        phase += rest
        if phase >= up:
            phase -= up
            start += np.uint64(1)
