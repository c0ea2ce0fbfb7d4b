"""What the caller is saying, as audio, for those who judge it by more than its words."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import samples_in
from mediasrv.audio.resample import resampler
from mediasrv.providers.base import PAUSE_MS, PAUSE_RATE_HZ

Frame = NDArray[np.int16]

# An utterance is noticed a moment after it began.
LEAD_IN_MS = 300


class Memory:
    """One call's: the utterance there is, or the last moment of silence."""

    def __init__(self, rate_hz: int) -> None:
        self._resampler = resampler(rate_hz, PAUSE_RATE_HZ)
        self._pieces: deque[Frame] = deque()
        self._samples = 0

    def begin(self) -> None:
        """The caller started to speak a moment ago: what was before that is nothing to him."""
        self._forget(samples_in(LEAD_IN_MS, PAUSE_RATE_HZ))

    def hear(self, pcm: Frame) -> None:
        """Take samples."""
        if self._resampler is not None:
            pcm = self._resampler.push(pcm)
        self._pieces.append(pcm)
        self._samples += pcm.size
        self._forget(samples_in(PAUSE_MS, PAUSE_RATE_HZ))

    def _forget(self, most: int) -> None:
        """Keep no more than this, in whole pieces."""
        while self._samples > most:
            self._samples -= self._pieces.popleft().size

    def utterance(self) -> Frame:
        """A copy of all that is kept: int16 mono at ``PAUSE_RATE_HZ``."""
        return np.concatenate([np.zeros(0, np.int16), *self._pieces])
