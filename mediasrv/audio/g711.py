"""ITU-T G.711: mu-law and A-law, bit-exact with the tables of the Recommendation.

A decoder is a table of 256 samples. An encoder is a table too, small enough to stay in the processor's first cache:
mu-law looks at the upper 14 bits of a sample and A-law at the upper 12, because every decision value of the
Recommendation is a multiple of 4 (tables 2a and 2b) or 16 (tables 1a and 1b) when its scale is stretched to 16 bits.

A negative sample is mirrored by its complement (``~x``), as in the reference code of ITU-T G.191, so a sample between
decision values is never pushed over one: -1 encodes as silence. (``audioop`` of the standard library agrees on
A-law; its mu-law rounds a negative sample's fraction away from zero first, so -1, -2, -3 and -4 become -8.)

Mu-law has a code for minus zero, 0x7F; it is what -1 to -4 encode as, and it decodes to 0, which encodes as 0xFF.
With that one exception ``encode(decode(code)) == code``, and what was decoded once survives any number of round trips
unchanged.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.kernel import kernel

ULAW_SILENCE = b"\xff"
"""Mu-law code of 0."""
ALAW_SILENCE = b"\xd5"
"""A-law code of 8: the law has no 0."""

_ULAW_SHIFT = 2
_ALAW_SHIFT = 4


def decode_ulaw(payload: bytes) -> NDArray[np.int16]:
    """Return the sample of each mu-law byte, -32124 to 32124."""
    pcm = np.empty(len(payload), np.int16)
    _decode(np.frombuffer(payload, np.uint8), _ULAW_SAMPLES, pcm)
    return pcm


def encode_ulaw(pcm: NDArray[np.int16]) -> bytes:
    """Return the mu-law byte of each of contiguous int16 samples."""
    codes = np.empty(pcm.size, np.uint8)
    _encode(pcm, _ULAW_SHIFT, _ULAW_CODES, codes)
    return codes.tobytes()


def decode_alaw(payload: bytes) -> NDArray[np.int16]:
    """Return the sample of each A-law byte, -32256 to 32256, never 0."""
    pcm = np.empty(len(payload), np.int16)
    _decode(np.frombuffer(payload, np.uint8), _ALAW_SAMPLES, pcm)
    return pcm


def encode_alaw(pcm: NDArray[np.int16]) -> bytes:
    """Return the A-law byte of each of contiguous int16 samples."""
    codes = np.empty(pcm.size, np.uint8)
    _encode(pcm, _ALAW_SHIFT, _ALAW_CODES, codes)
    return codes.tobytes()


@kernel("void(const uint8[::1], const int16[::1], int16[::1])")
def _decode(codes: NDArray[np.uint8], samples: NDArray[np.int16], pcm: NDArray[np.int16]) -> None:
    for i in range(codes.size):
        pcm[i] = samples[codes[i]]


@kernel("void(const int16[::1], int64, const uint8[::1], uint8[::1])")
def _encode(pcm: NDArray[np.int16], shift: int, table: NDArray[np.uint8], codes: NDArray[np.uint8]) -> None:
    mask = table.size - 1
    for i in range(pcm.size):
        codes[i] = table[(pcm[i] >> shift) & mask]


def _ulaw_samples() -> NDArray[np.int16]:
    """The decoder's table: sign, 3 bits of segment, 4 bits within it, all inverted."""
    code = ~np.arange(256, dtype=np.uint8)
    segment, step = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = (((step << 3) + 132) << segment) - 132
    return np.asarray(np.where(code & 0x80, -magnitude, magnitude), np.int16)


def _alaw_samples() -> NDArray[np.int16]:
    """The decoder's table: sign, 3 bits of segment, 4 bits within it, every other bit inverted."""
    code = np.arange(256, dtype=np.uint8) ^ 0x55
    segment, step = (code >> 4) & 7, (code & 15).astype(np.int32)
    magnitude = ((step << 4) + np.where(segment, 264, 8)) << np.maximum(segment, 1) - 1
    return np.asarray(np.where(code & 0x80, magnitude, -magnitude), np.int16)


def _ulaw_codes() -> NDArray[np.uint8]:
    """The encoder's table, indexed by the upper 14 bits of a sample."""
    value = _signed(14)
    # 33 makes every segment begin at a power of two; 8191 is the clipping level.
    magnitude = np.minimum(np.where(value < 0, ~value, value) + 33, 8191)
    segment = np.frexp(magnitude)[1] - 6
    code = ~(segment << 4 | (magnitude >> segment + 1) & 15) & 0x7F
    return np.asarray(code | np.where(value < 0, 0, 0x80), np.uint8)


def _alaw_codes() -> NDArray[np.uint8]:
    """The encoder's table, indexed by the upper 12 bits of a sample."""
    value = _signed(12)
    magnitude = np.where(value < 0, ~value, value)
    segment = np.maximum(np.frexp(magnitude)[1] - 4, 0)
    code = segment << 4 | (magnitude >> np.maximum(segment - 1, 0)) & 15
    return np.asarray((code | np.where(value < 0, 0, 0x80)) ^ 0x55, np.uint8)


def _signed(bits: int) -> NDArray[np.int64]:
    """Every signed number of so many bits, in the order of its unsigned pattern: 0 … max, min … -1."""
    half = 1 << bits - 1
    return np.concatenate([np.arange(half), np.arange(-half, 0)])


_ULAW_SAMPLES = _ulaw_samples()
_ALAW_SAMPLES = _alaw_samples()
_ULAW_CODES = _ulaw_codes()
_ALAW_CODES = _alaw_codes()
