"""Audio made up for a gap: the last moment of the stream again, pitch by pitch, fading away.

In the spirit of ITU-T G.711 Appendix I, without its 3.75 ms of delay: what was handed out cannot be reshaped, so the
made-up audio begins exactly where the stream broke off. A piece of the recent past, cut to whole periods of the
voice, is played over and over; its seam is cross-faded. It keeps its loudness for 10 ms and is silent after 60 ms, for
nobody can guess a syllable. When the stream comes back it is faded in over what the made-up audio would have been.
"""

from __future__ import annotations

import math
from collections import deque

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import samples_in
from mediasrv.audio.kernel import kernel

# The periods of human voices, 200 Hz down to 67 Hz; a higher voice is found at a multiple of its period.
_SHORTEST_PERIOD_MS = 5
_LONGEST_PERIOD_MS = 15
# One glottal pulse more or less must not decide what the period is.
_COMPARED_MS = 20
_HISTORY_MS = _COMPARED_MS + _LONGEST_PERIOD_MS
# A shorter piece, played over and over, buzzes.
_SHORTEST_PIECE_MS = 10
_SEAM_MS = 2
_JOIN_MS = 5
_FULL_MS = 10
_SILENT_MS = 60
# Waveforms are compared at about this rate: the period needs no finer one, and its cost grows with the square.
_COMPARED_HZ = 8000


class Concealer:
    """One stream's history and the gap it may be in.

    Every sample of the stream goes through ``heard`` or comes from ``conceal``, in the order of media time. It keeps
    references to arrays it was given: they must not change afterwards.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._history: deque[NDArray[np.int16]] = deque([np.zeros(self._samples(_HISTORY_MS), np.int16)])
        self._history_samples = self._history[0].size
        self._piece = np.zeros(1)
        self._step = 0.0
        self._concealed = 0

    @property
    def is_silent(self) -> bool:
        """Whether the gap has lasted so long that only silence is made up for it."""
        return self._concealed >= self._samples(_SILENT_MS)

    def heard(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take samples that came, and return what to play: the same array, or after a gap a copy that fades in."""
        if self._concealed and pcm.size:
            pcm = self._joined(pcm)
            self._concealed = 0
        self._remember(pcm)
        return pcm

    def conceal(self, n_samples: int) -> NDArray[np.int16]:
        """Make up the next samples of a gap."""
        if not self._concealed:
            past = np.concatenate(self._history)
            self._piece = self._cut_piece(past)
            self._step = float(past[-1]) - float(past[-self._piece.size - 1])
        pcm = np.clip(self._continued(n_samples), -32768, 32767).astype(np.int16)
        self._concealed += n_samples
        self._remember(pcm)
        return pcm

    def _remember(self, pcm: NDArray[np.int16]) -> None:
        self._history.append(pcm)
        self._history_samples += pcm.size
        while self._history_samples - self._history[0].size >= self._samples(_HISTORY_MS):
            self._history_samples -= self._history.popleft().size

    def _cut_piece(self, past: NDArray[np.int16]) -> NDArray[np.float64]:
        """Return the last periods of the past, their end bent towards their beginning so that they can be repeated."""
        stride = max(1, self._rate_hz // _COMPARED_HZ)
        shortest, longest = self._samples(_SHORTEST_PERIOD_MS), self._samples(_LONGEST_PERIOD_MS)
        period = _period(past, shortest, longest, self._samples(_COMPARED_MS), stride)
        size = period * -(-self._samples(_SHORTEST_PIECE_MS) // period)
        seam = self._samples(_SEAM_MS)
        piece = past[-size:].astype(np.float64)
        before = past[-size - seam : -size]
        piece[-seam:] += (before - piece[-seam:]) * np.arange(1, seam + 1) / seam
        return piece

    def _continued(self, n_samples: int) -> NDArray[np.float64]:
        """Return the made-up audio from where the gap stands now, before it is cut to 16 bits."""
        at = np.arange(self._concealed, self._concealed + n_samples)
        full, silent, seam = (self._samples(each) for each in (_FULL_MS, _SILENT_MS, _SEAM_MS))
        # The piece begins a period earlier than the stream broke off, at another height: that step is worn away.
        repeated = self._piece[at % self._piece.size] + self._step * np.maximum(1 - at / seam, 0)
        return repeated * np.clip((silent - at) / (silent - full), 0, 1)

    def _joined(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Fade from what would have been made up to what came."""
        size = min(pcm.size, self._samples(_JOIN_MS))
        made_up = self._continued(size)
        joined = pcm.copy()
        weight = np.arange(1, size + 1) / (size + 1)
        joined[:size] = np.clip(made_up + (pcm[:size] - made_up) * weight, -32768, 32767)
        return joined

    def _samples(self, duration_ms: int) -> int:
        return samples_in(duration_ms, self._rate_hz)


@kernel("int64(const int16[::1], int64, int64, int64, int64)")
def _period(past: NDArray[np.int16], shortest: int, longest: int, compared: int, stride: int) -> int:
    """Return the lag in samples at which the end of the past is most like itself; needs ``compared + longest``."""
    best, best_likeness = longest, 0.0
    start = past.size - compared
    for lag in range(shortest, longest + 1):
        product = 0
        energy = 1
        for i in range(start, past.size, stride):
            product += int(past[i]) * int(past[i - lag])
            energy += int(past[i - lag]) * int(past[i - lag])
        likeness = product / math.sqrt(energy)
        if likeness > best_likeness:
            best, best_likeness = lag, likeness
    return best
