"""WAV files (RIFF, PCM of 16 bits, mono): what servers take that are asked by HTTP."""

from __future__ import annotations

import struct

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.audio.l16 import encode_l16


def wav(audio: AudioFormat, payload: bytes) -> bytes:
    """The file of audio in any format."""
    pcm = payload if audio.encoding is Encoding.L16 else encode_l16(codec.decode(audio.encoding, payload))
    byte_rate = 2 * audio.rate_hz
    form = struct.pack("<HHIIHH", 1, 1, audio.rate_hz, byte_rate, 2, 16)
    size = struct.pack("<I", 36 + len(pcm))
    return b"RIFF" + size + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", len(pcm)) + pcm
