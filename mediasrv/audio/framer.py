"""Cuts a stream of samples into frames of one size, whatever the size of the pieces it comes in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class Framer:
    """Holds back less than a frame."""

    __slots__ = ("_frame_samples", "_held")

    def __init__(self, frame_samples: int) -> None:
        if frame_samples <= 0:
            raise ValueError(f"a frame of {frame_samples} samples cannot be filled")
        self._frame_samples = frame_samples
        self._held = np.empty(0, np.int16)

    def push(self, pcm: NDArray[np.int16]) -> list[NDArray[np.int16]]:
        """Return the frames that are full now; a piece that is itself a frame comes back as it is."""
        size = self._frame_samples
        if self._held.size:
            pcm = np.concatenate((self._held, pcm))
        elif len(pcm) == size:
            return [pcm]
        whole = pcm.size - pcm.size % size
        # A copy: a view would keep alive, and follow every change of, all that it was cut from.
        self._held = pcm[whole:].copy()
        return [pcm[start : start + size] for start in range(0, whole, size)]

    def flush(self) -> NDArray[np.int16] | None:
        """Return what is left as a last frame filled up with silence, if anything is; the next push starts anew."""
        held, self._held = self._held, np.empty(0, np.int16)
        if not held.size:
            return None
        return np.concatenate((held, np.zeros(self._frame_samples - held.size, np.int16)))
