"""L16: samples as they are, two bytes each, little-endian as every carrier of this project sends them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_WIRE_DTYPE = np.dtype("<i2")


def decode_l16(payload: bytes) -> NDArray[np.int16]:
    """Return the samples of a payload; raise ``ValueError`` when it ends in half a sample."""
    return np.frombuffer(payload, _WIRE_DTYPE).astype(np.int16)


def encode_l16(pcm: NDArray[np.int16]) -> bytes:
    """Return int16 samples as a payload."""
    return pcm.astype(_WIRE_DTYPE, copy=False).tobytes()
