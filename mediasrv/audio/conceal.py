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
from mediasrv.audio.level import fade, mix

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
        self.history_samples = samples_in(_HISTORY_MS, rate_hz)
        """What a gap is made up from, and all that is ever looked back on."""
        self._seam, self._full, self._silent = (samples_in(each, rate_hz) for each in (_SEAM_MS, _FULL_MS, _SILENT_MS))
        self._history: deque[NDArray[np.int16]] = deque([np.zeros(self.history_samples, np.int16)])
        self._surplus = 0
        self._piece = np.zeros(1, np.int16)
        self._step = 0
        self._concealed = 0

    @property
    def is_silent(self) -> bool:
        """Whether the gap has lasted so long that only silence is made up for it."""
        return self._concealed >= self._silent

    def heard(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Take samples that came, and return what to play: the same array, or after a gap a copy that fades in."""
        if self._concealed and pcm.size:
            pcm = self._joined(pcm)
            self._concealed = 0
        self._keep(pcm)
        return pcm

    def conceal(self, n_samples: int) -> NDArray[np.int16]:
        """Make up the next samples of a gap."""
        if not self._concealed:
            past = np.concatenate(self._history)
            self._piece = self._cut_piece(past)
            # The piece begins a period before the stream broke off, at another height: that step is worn away.
            self._step = int(past[-1]) - int(past[-self._piece.size - 1])
        pcm = self._continued(n_samples)
        self._concealed += n_samples
        self._keep(pcm)
        return pcm

    def _keep(self, pcm: NDArray[np.int16]) -> None:
        """Remember a piece, and let go of those that are older than what a gap is made up from: the fewer are held, the
        sooner the next frame is written where the last ones were, which the processor still has at hand."""
        history = self._history
        history.append(pcm)
        self._surplus += pcm.size
        while self._surplus >= history[0].size:
            self._surplus -= history.popleft().size

    def _cut_piece(self, past: NDArray[np.int16]) -> NDArray[np.int16]:
        """Return the last periods of the past, their end bent towards what was before them, so that they repeat."""
        shortest, longest, compared, least = (
            samples_in(each, self._rate_hz)
            for each in (_SHORTEST_PERIOD_MS, _LONGEST_PERIOD_MS, _COMPARED_MS, _SHORTEST_PIECE_MS)
        )
        period = _period(past, shortest, longest, compared, max(1, self._rate_hz // _COMPARED_HZ))
        size = period * -(-least // period)
        piece = past[-size:].copy()
        before = past[-size - self._seam : -size]
        piece[-self._seam :] = mix(fade(piece[-self._seam :], 1.0, 0.0), fade(before, 0.0, 1.0))
        return piece

    def _continued(self, n_samples: int) -> NDArray[np.int16]:
        """Return the made-up audio from where the gap stands now."""
        pcm = np.empty(n_samples, np.int16)
        _repeat(self._piece, self._step, self._concealed, self._seam, self._full, self._silent, pcm)
        return pcm

    def _joined(self, pcm: NDArray[np.int16]) -> NDArray[np.int16]:
        """Fade from what would have been made up to what came."""
        size = min(pcm.size, samples_in(_JOIN_MS, self._rate_hz))
        joined = pcm.copy()
        joined[:size] = mix(fade(self._continued(size), 1.0, 0.0), fade(pcm[:size], 0.0, 1.0))
        return joined


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


@kernel("void(const int16[::1], int64, int64, int64, int64, int64, int16[::1])")
def _repeat(
    piece: NDArray[np.int16], step: int, start: int, seam: int, full: int, silent: int, pcm: NDArray[np.int16]
) -> None:
    """Write what a gap sounds like from its sample ``start`` on: the piece, over and over, fading from ``full``."""
    for i in range(pcm.size):
        at = start + i
        sample = float(piece[at % piece.size])
        if at < seam:
            sample += step * (seam - at) / seam
        if at > full:
            sample *= max(silent - at, 0) / (silent - full)
        pcm[i] = np.int16(min(max(np.rint(sample), -32768.0), 32767.0))
