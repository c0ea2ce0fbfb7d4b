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

EDGES_HZ = (200, 500, 1000, 1900, 3400)
"""Each band reaches from one edge to the next."""


def band_passes(rate_hz: int) -> NDArray[np.float64]:
    """Return gain and the two recursive coefficients (rows) of each band (columns)."""
    warped = np.tan(math.pi * np.array(EDGES_HZ) / rate_hz)
    width, center = np.diff(warped), warped[:-1] * warped[1:]
    coefficients: NDArray[np.float64] = np.stack([width, 2 * (center - 1), 1 - width + center]) / (1 + width + center)
    return coefficients
