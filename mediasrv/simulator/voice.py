"""Where a voice is in a recording, by its energy: measured off-line, so it may look ahead.

Two rulers. A *clip* of the caller has a noise floor of its own, so its edges are found relative to its loudest part.
What the caller *hears* of the agent has none, so an absolute level decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import samples_in

AUDIBLE_DB = -50.0
"""What a listener on a telephone notices, dB below full scale; idle codec noise is under -65."""
WINDOW_MS = 5
"""What the level is measured over: short enough for an exact edge, a period of the lowest voice is 12 ms at most."""
PAUSE_MS = 200
"""A silence up to this long is part of an utterance: stop consonants take up to 150 ms."""

FULL_SCALE = 32768.0
# A voice fades into the room: its edge lies at most 25 dB under its loudest part, and clears the room's own noise.
EDGE_UNDER_PEAK_DB = (25.0, 20.0)
EDGE_OVER_NOISE_DB = 8.0


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of samples, ``end`` excluded."""

    begin: int
    end: int

    def shifted(self, samples: int) -> Span:
        """The same stretch, later."""
        return Span(self.begin + samples, self.end + samples)


def levels_db(pcm: NDArray[np.int16], window: int) -> NDArray[np.float64]:
    """RMS level of each whole window of ``window`` samples, dB relative to full scale, floored at -120."""
    whole = pcm[: len(pcm) // window * window].reshape(-1, window).astype(np.float64)
    power = np.square(whole).mean(axis=1) / FULL_SCALE**2
    levels: NDArray[np.float64] = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


def voiced(pcm: NDArray[np.int16], rate_hz: int) -> Span:
    """From the first to the last voiced sample of one recorded utterance, to 10 ms; the whole of it if it is silent."""
    window = samples_in(10, rate_hz)
    levels = levels_db(pcm, window)
    if not len(levels):
        return Span(0, len(pcm))
    lowest, highest = (levels.max() - under for under in EDGE_UNDER_PEAK_DB)
    edge = np.clip(np.percentile(levels, 10) + EDGE_OVER_NOISE_DB, lowest, highest)
    loud = np.flatnonzero(levels >= edge)
    return Span(int(loud[0]) * window, (int(loud[-1]) + 1) * window)


def utterances(pcm: NDArray[np.int16], rate_hz: int) -> list[Span]:
    """Stretches of what was heard in which somebody audibly spoke, pauses up to ``PAUSE_MS`` included.

    Each begins and ends with a sample whose own amplitude is audible, in a window whose level is.
    """
    window = samples_in(WINDOW_MS, rate_hz)
    audible = np.repeat(levels_db(pcm, window) >= AUDIBLE_DB, window)
    loud = np.abs(pcm[: len(audible)].astype(np.int32)) >= FULL_SCALE * 10 ** (AUDIBLE_DB / 20)
    places = np.flatnonzero(audible & loud)
    if not len(places):
        return []
    breaks = np.flatnonzero(np.diff(places) > samples_in(PAUSE_MS, rate_hz))
    begins = places[np.concatenate(([0], breaks + 1))]
    ends = places[np.concatenate((breaks, [len(places) - 1]))] + 1
    return [Span(int(begin), int(end)) for begin, end in zip(begins, ends, strict=True)]
