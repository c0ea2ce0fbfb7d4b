"""Encoded audio to samples and back, by the encoding that a stream has agreed on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import Encoding
from mediasrv.audio.g711 import decode_alaw, decode_ulaw, encode_alaw, encode_ulaw
from mediasrv.audio.l16 import decode_l16, encode_l16

# Keyed by name: hashing a string costs a tenth of hashing the enum's member.
_DECODE = {"MULAW": decode_ulaw, "ALAW": decode_alaw, "L16": decode_l16}
_ENCODE = {"MULAW": encode_ulaw, "ALAW": encode_alaw, "L16": encode_l16}


def decoder(encoding: Encoding) -> Callable[[bytes], NDArray[np.int16]]:
    """What ``decode`` does, for a stream of one encoding."""
    return _DECODE[encoding._name_]


def decode(encoding: Encoding, payload: bytes) -> NDArray[np.int16]:
    """Return the samples of a payload, in an array of its own; raise ``ValueError`` for half a sample of L16."""
    return decoder(encoding)(payload)


def encode(encoding: Encoding, pcm: NDArray[np.int16]) -> bytes:
    """Return contiguous int16 samples as a payload."""
    return _ENCODE[encoding._name_](pcm)
