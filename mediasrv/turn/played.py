"""What the carrier was given to play, as it sounds there, on an axis of time."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.correlate import RATE_HZ, Band
from mediasrv.audio.format import samples_in

SPAN_MS = 2500
"""As much is kept: up to the end of what was sent, which is at most a lead ahead of now."""

_SPAN = samples_in(SPAN_MS, RATE_HZ)
# Times are sums of floats, rounded to samples.
_ADJOINING_SAMPLES = 2
_NOTHING = np.zeros(0, np.int16)


class Played:
    """Audio in the telephone band, by position: samples at 8 kHz since time 0; where nothing was played is silence.

    Somebody looks only when the caller is heard while we speak, or shortly after. Until then audio is kept as it came,
    and nothing is computed.
    """

    def __init__(self, rate_hz: int) -> None:
        self._band = Band(rate_hz)
        self._step = rate_hz // RATE_HZ
        # Where each piece begins, and the piece: none of its samples for a cut.
        self._noted: deque[tuple[int, NDArray[np.int16]]] = deque()
        self._samples = _NOTHING
        self._origin = self._written = self._furthest = 0
        # What lies farther back is out of the span, and does not lead in what is within it.
        self._useful = _SPAN + self._band.reach
        self._tail = self._silence = np.zeros(self._band.reach, np.int16)
        self.end = 0
        """Position at which all that was sent has been played."""

    def play(self, pcm: NDArray[np.int16], begins_s: float) -> None:
        """Append audio, or begin anew at another time; what was to be played from then on is forgotten.

        ``pcm`` is kept and must not change.
        """
        start = position_at(begins_s)
        self._note(self.end if abs(start - self.end) <= _ADJOINING_SAMPLES else start, pcm)
        if self.end > self._furthest:
            self._furthest = self.end
        noted, useless = self._noted, self.end - self._useful
        while noted[0][0] < useless and len(noted) > 1 and noted[1][0] <= useless:
            noted.popleft()

    def cut(self, now: float) -> None:
        """What would be played after now is not."""
        if position_at(now) < self.end:
            self._note(position_at(now), _NOTHING)

    def between(self, start: int, end: int) -> NDArray[np.int16]:
        """Return what was or will be played between two positions; not to be written to."""
        if self._noted:
            self._write_noted()
        first, last = start - self._origin, end - self._origin
        if first >= 0 and last <= self._samples.size:
            return self._samples[first:last]
        piece = np.zeros(end - start, np.int16)
        known = self._samples[max(first, 0) : max(last, 0)]
        piece[max(-first, 0) :][: known.size] = known
        return piece

    def _note(self, start: int, pcm: NDArray[np.int16]) -> None:
        self._noted.append((start, pcm))
        self.end = start + pcm.size // self._step

    def _write_noted(self) -> None:
        if not self._samples.size:
            self._samples = np.zeros(_SPAN, np.int16)
        self._slide(min(max(self._furthest - _SPAN - self._origin, 0), _SPAN))
        self._origin = max(self._origin, self._furthest - _SPAN)
        for start, pcm in self._noted:
            if start != self._written:
                self._samples[max(start - self._origin, 0) :] = 0
                self._tail = self._silence
            self._write(start, pcm)
        self._noted.clear()

    def _write(self, start: int, pcm: NDArray[np.int16]) -> None:
        stream = np.concatenate((self._tail, pcm))
        self._tail = stream[pcm.size :]
        samples = self._band.of(stream)
        self._written = start + samples.size
        last = max(self._written - self._origin, 0)
        fits = samples[max(samples.size - last, 0) :]
        self._samples[last - fits.size : last] = fits

    def _slide(self, by: int) -> None:
        if by:
            self._samples[: _SPAN - by] = self._samples[by:]
            self._samples[_SPAN - by :] = 0


def position_at(time_s: float) -> int:
    """Position of a time, in seconds."""
    return round(time_s * RATE_HZ)
