"""A sealed recording, as the bytes of a WAV file that were never on a disk: 16-bit stereo, the caller left.

How long it is is known before anything is opened, from the lengths of the sealed pieces. Of a file that breaks off,
all that was written can be heard. All of it blocks, and is for a thread.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

import orjson

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.audio.l16 import encode_l16
from mediasrv.records.sealed import SealError, Unsealer, lengths_of

# RIFF, its length, WAVE; the format: PCM, channels, rate, bytes a second, bytes a sample of all channels, bits a
# sample; the length of the data (Microsoft and IBM, Multimedia Programming Interface and Data Specifications, 1991).
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_SAMPLE_BYTES = 2


class Playback:
    """One recording."""

    def __init__(self, sealed: BinaryIO, key: bytes) -> None:
        """``sealed`` is at its beginning and can seek; raise ``SealError`` for what is no recording."""
        self._unsealer = Unsealer(sealed, key)
        self._encoding, self.rate_hz, self.channels = format_of(self._unsealer)
        beginning = sealed.tell()
        self._lengths = list(lengths_of(sealed))
        sealed.seek(beginning)
        self._sealed_sample_bytes = AudioFormat(self._encoding, self.rate_hz).bytes_per_sample
        self._data_bytes = self._played_bytes(sum(self._lengths))
        self.size_bytes = _HEADER.size + self._data_bytes
        """Of the whole WAV file."""

    def chunks(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The WAV file in pieces, from one byte to before another; to be asked for once.

        Sealed pieces before them are not opened. Raise ``SealError`` at one that was changed, or that the key does not
        open.
        """
        end = self.size_bytes if end is None else end
        if start < _HEADER.size:
            yield self._header()[start:end]
        at, passed = _HEADER.size, 0
        while passed < len(self._lengths) and at + self._played_bytes(self._lengths[passed]) <= start:
            at += self._played_bytes(self._lengths[passed])
            passed += 1
        pieces = self._unsealer.pieces(self._lengths[:passed])
        # Behind the last there is nothing, or what breaks off.
        while at < end:
            audio = encode_l16(codec.decode(self._encoding, next(pieces)))
            yield audio[max(0, start - at) : end - at]
            at += len(audio)

    def _played_bytes(self, sealed_bytes: int) -> int:
        return sealed_bytes // self._sealed_sample_bytes * _SAMPLE_BYTES

    def _header(self) -> bytes:
        block_bytes = self.channels * _SAMPLE_BYTES
        form = (b"fmt ", 16, 1, self.channels, self.rate_hz, self.rate_hz * block_bytes, block_bytes, 8 * _SAMPLE_BYTES)
        return _HEADER.pack(b"RIFF", self.size_bytes - 8, b"WAVE", *form, b"data", self._data_bytes)


def format_of(unsealer: Unsealer) -> tuple[Encoding, int, int]:
    """Encoding, rate (Hz) and channels of a sealed recording; raise ``SealError`` for another sealed file."""
    try:
        about = orjson.loads(unsealer.header)
        return Encoding(about["encoding"]), int(about["rate_hz"]), int(about["channels"])
    except (ValueError, KeyError, TypeError):
        raise SealError("the file holds no recording") from None
