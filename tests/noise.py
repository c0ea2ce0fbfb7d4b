"""Noises to hear voices in. Each comes from a generator that the caller seeds, as float64 of unit power."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


def white(samples: int, rng: np.random.Generator) -> Signal:
    """As much power in any one hertz as in any other."""
    return rng.standard_normal(samples)


def pink(samples: int, rng: np.random.Generator) -> Signal:
    """As much power in any one octave as in any other."""
    return shaped(samples, 1 / np.sqrt(np.arange(1, samples // 2 + 2)), rng)


def babble(samples: int, speech: Sequence[Signal], rng: np.random.Generator, voices: int = 8) -> Signal:
    """Voices that talk at once without a pause: pieces of the speech, half of them backwards, all alike in power."""
    return unit_power(np.sum([_voice(samples, speech, rng) for _ in range(voices)], axis=0))


def room_tone(samples: int, recording: Signal, window: int, rng: np.random.Generator) -> Signal:
    """Go on with the quietest stretch of a recording: noise of its spectrum, and of its power."""
    count = recording.size - window
    energy = np.concatenate([[0.0], np.cumsum(recording**2)])
    start = int(np.argmin(energy[window : window + count] - energy[:count]))
    quietest = recording[start : start + window]
    spectrum = np.abs(np.fft.rfft(quietest * np.hanning(window)))
    places = np.linspace(0, spectrum.size - 1, samples // 2 + 1)
    return shaped(samples, np.interp(places, np.arange(spectrum.size), spectrum), rng) * float(np.std(quietest))


def shaped(samples: int, gains: Signal, rng: np.random.Generator) -> Signal:
    """Gaussian noise of this spectrum."""
    return unit_power(np.fft.irfft(np.fft.rfft(rng.standard_normal(samples)) * gains, samples))


def unit_power(signal: Signal) -> Signal:
    """Scale to a root mean square of 1."""
    scaled: Signal = signal / np.sqrt(np.mean(signal**2))
    return scaled


def _voice(samples: int, speech: Sequence[Signal], rng: np.random.Generator) -> Signal:
    pieces = [np.empty(0)]
    while sum(piece.size for piece in pieces) < 2 * samples:
        piece = unit_power(_without_pauses(speech[int(rng.integers(len(speech)))]))
        pieces.append(piece[:: int(rng.choice([1, -1]))])
    start = int(rng.integers(samples))
    return np.concatenate(pieces)[start : start + samples]


def _without_pauses(speech: Signal, piece: int = 160) -> Signal:
    pieces = speech[: speech.size // piece * piece].reshape(-1, piece)
    power = np.mean(pieces**2, axis=1)
    # 40 dB under the loudest.
    loud: Signal = pieces[power > power.max() * 1e-4].ravel()
    return loud
