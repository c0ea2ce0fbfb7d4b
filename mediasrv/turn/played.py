"""What the carrier was given to play, as it sounds there, on an axis of time."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.correlate import RATE_HZ, Band
from mediasrv.audio.format import samples_in

SPAN_MS = 2500
"""As much is kept: up to the end of what was sent, which is at most a lead ahead of now."""

_SPAN = samples_in(SPAN_MS, RATE_HZ)
# Times are sums of floats, rounded to samples.
_ADJOINING_SAMPLES = 2


class Played:
    """Audio in the telephone band, by position: samples at 8 kHz since time 0; where nothing was played is silence."""

    def __init__(self, rate_hz: int) -> None:
        self._band = Band(rate_hz)
        self._samples = np.zeros(_SPAN, np.int16)
        self._origin = 0
        self._tail = np.zeros(self._band.reach, np.int16)
        self.end = 0
        """Position at which all that was sent has been played."""

    def play(self, pcm: NDArray[np.int16], begins_s: float) -> None:
        """Append audio, or begin anew at another time; what was to be played from then on is forgotten."""
        start = position_at(begins_s)
        if abs(start - self.end) <= _ADJOINING_SAMPLES:
            start = self.end
        else:
            self._silence(start)
        stream = np.concatenate((self._tail, pcm))
        self._tail = stream[stream.size - self._band.reach :]
        self._write(start, self._band.of(stream))

    def cut(self, now: float) -> None:
        """What would be played after now is not."""
        if position_at(now) < self.end:
            self._silence(position_at(now))

    def between(self, start: int, end: int) -> NDArray[np.int16]:
        """Return what was or will be played between two positions; not to be written to."""
        first, last = start - self._origin, end - self._origin
        if first >= 0 and last <= _SPAN:
            return self._samples[first:last]
        piece = np.zeros(end - start, np.int16)
        known = self._samples[max(first, 0) : max(last, 0)]
        piece[max(-first, 0) :][: known.size] = known
        return piece

    def _silence(self, start: int) -> None:
        self._samples[max(start - self._origin, 0) :] = 0
        self.end = start
        self._tail = np.zeros(self._band.reach, np.int16)

    def _write(self, start: int, samples: NDArray[np.int16]) -> None:
        self.end = start + samples.size
        self._slide(min(max(self.end - self._origin - _SPAN, 0), _SPAN))
        self._origin = max(self._origin, self.end - _SPAN)
        last = self.end - self._origin
        fits = samples[max(samples.size - max(last, 0), 0) :]
        self._samples[last - fits.size : last] = fits

    def _slide(self, by: int) -> None:
        if by:
            self._samples[: _SPAN - by] = self._samples[by:]
            self._samples[_SPAN - by :] = 0


def position_at(time_s: float) -> int:
    """Position of a time, in seconds."""
    return round(time_s * RATE_HZ)
