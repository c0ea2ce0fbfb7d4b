"""How loud the telephone band is, in four bands.

Each band is one second-order band-pass whose poles are placed by the bilinear transform with its edges pre-warped, so
that a band means the same at 8 and at 16 kHz. Its skirts are gentle, 6 dB an octave: steeper ones were tried and hear
speech in noise no better. A band-pass has a zero at 0 Hz, so a constant offset of the line is not heard at all.

dBFS is the mean square over that of a full-scale square wave: a full-scale sine has -3 dBFS.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

EDGES_HZ = (200, 500, 1000, 1900, 3400)
"""Each band reaches from one edge to the next."""

# Below this lies what G.711 makes of silence: a mu-law sample next to zero is 8, which is -72 dBFS.
QUIETEST_DB = -72.0


class FilterBank:
    """Measures frame after frame of one stream; the filters ring on from each into the next."""

    def __init__(self, rate_hz: int) -> None:
        self._coefficients = _band_passes(rate_hz)
        # Two delays and the energy of the present frame, per band.
        self._memory = np.zeros((3, len(EDGES_HZ) - 1))
        self.levels_db = np.full(len(EDGES_HZ) - 1, QUIETEST_DB)
        """Level of each band in the last frame, float64, dBFS, never below ``QUIETEST_DB``."""

    def measure(self, frame: NDArray[np.int16]) -> float:
        """Set ``levels_db`` to those of this contiguous frame; return the level of all bands together, dBFS.

        The sum knows no lower bound but that of digital silence, -120 dBFS.
        """
        level_db: float = _measure(frame, self._coefficients, self._memory, self.levels_db, QUIETEST_DB)
        return level_db


def _band_passes(rate_hz: int) -> NDArray[np.float64]:
    """Return gain and the two recursive coefficients (rows) of each band (columns)."""
    warped = np.tan(math.pi * np.array(EDGES_HZ) / rate_hz)
    width, center = np.diff(warped), warped[:-1] * warped[1:]
    coefficients: NDArray[np.float64] = np.stack([width, 2 * (center - 1), 1 - width + center]) / (1 + width + center)
    return coefficients


@kernel("float64(const int16[::1], float64[:, ::1], float64[:, ::1], float64[::1], float64)")
def _measure(
    frame: NDArray[np.int16],
    coefficients: NDArray[np.float64],
    memory: NDArray[np.float64],
    levels_db: NDArray[np.float64],
    quietest_db: float,
) -> float:
    gain, first, second = coefficients
    near, far, energy = memory
    bands = gain.size
    energy[:] = 0.0
    for sample in frame:
        # Transposed direct form II; the bands in the inner loop, where they run side by side.
        for band in range(bands):
            driven = gain[band] * sample
            out = driven + near[band]
            near[band] = far[band] - first[band] * out
            far[band] = -driven - second[band] * out
            energy[band] += out * out
    total = 1e-12
    for band in range(bands):
        power = energy[band] / (frame.size * 32768.0 * 32768.0)
        total += power
        levels_db[band] = max(10.0 * math.log10(power + 1e-12), quietest_db)
        # A filter that rings out for a second comes to numbers so small that the processor handles them by trap.
        if power < 1e-20:
            near[band] = far[band] = 0.0
    return 10.0 * math.log10(total)
