"""Files that only who has the key can read, written piece by piece.

    magic ─ salt ─ header ─ (length ─ sealed piece) … (length ─ sealed last piece)

Every file has a key of its own, derived by HKDF-SHA256 (RFC 5869) from the operator's and the salt. Pieces are sealed
with AES-256-GCM (NIST SP 800-38D); the nonce counts them and marks the last, as in the STREAM construction (Hoang,
Reyhanitabar, Rogaway and Vizár 2015), and the header is authenticated with each. So a piece that was changed, moved or
left out is noticed, and so is a file that breaks off, of which all that was written can be read.
"""

from __future__ import annotations

import os
import struct
from base64 import b64decode
from collections.abc import Iterator, Sequence
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mediasrv.errors import ConfigError, MediasrvError

MAGIC = b"mediasrv sealed 1\n"
KEY_BYTES = 32
SALT_BYTES = 16
MAX_PIECE_BYTES = 1 << 20
_LENGTH = struct.Struct("<I")
_HEADER = struct.Struct("<H")
_NONCE = struct.Struct(">4xI3xB")
_TAG_BYTES = 16


class SealError(MediasrvError):
    """A file that is not ours, was sealed with another key, was changed, or breaks off."""


def read_key(text: str) -> bytes:
    """A key as it stands in a configuration, 32 bytes in base64; raise ``ConfigError``."""
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ConfigError(f"expected a key of {KEY_BYTES} bytes in base64: openssl rand -base64 {KEY_BYTES}")
    return key


class Sealer:
    """Seals the pieces of one file, in their order."""

    def __init__(self, key: bytes, header: bytes) -> None:
        """``header`` is kept readable, at most 64 KB."""
        salt = os.urandom(SALT_BYTES)
        self.beginning = MAGIC + salt + _HEADER.pack(len(header)) + header
        """The first bytes of the file."""
        self._cipher = _cipher(key, salt)
        self._count = 0

    def seal(self, piece: bytes, *, is_last: bool = False) -> bytes:
        """The bytes that stand for a piece of at most ``MAX_PIECE_BYTES``."""
        nonce = _NONCE.pack(self._count, is_last)
        self._count += 1
        sealed = self._cipher.encrypt(nonce, piece, self.beginning)
        return _LENGTH.pack(len(sealed)) + sealed


class Unsealer:
    """Reads a sealed file."""

    def __init__(self, file: BinaryIO, key: bytes) -> None:
        """Raise ``SealError`` for a file that is not ours."""
        self._file = file
        if not MAGIC.startswith(begun := file.read(len(MAGIC))):
            raise SealError("this is no sealed file")
        if begun != MAGIC:
            raise SealError("the file breaks off")
        salt = self._exactly(SALT_BYTES)
        length = self._exactly(_HEADER.size)
        self.header = self._exactly(*_HEADER.unpack(length))
        """What the writer left readable; to be trusted once a piece was read."""
        self._beginning = MAGIC + salt + length + self.header
        self._cipher = _cipher(key, salt)

    def pieces(self, passed: Sequence[int] = ()) -> Iterator[bytes]:
        """Yield what was sealed; raise ``SealError`` at the first piece that is not as it was, or behind the last that
        is there of a file that breaks off.

        The first pieces are passed over, and not read, whose lengths ``passed`` has from ``lengths_of``.
        """
        self._file.seek(sum(passed) + len(passed) * (_LENGTH.size + _TAG_BYTES), os.SEEK_CUR)
        count = len(passed)
        while True:
            (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
            if not _TAG_BYTES <= length <= MAX_PIECE_BYTES + _TAG_BYTES:
                raise SealError("the file was changed, or sealed with another key")
            piece, is_last = self._open(self._exactly(length), count)
            yield piece
            count += 1
            if is_last:
                return

    def _open(self, sealed: bytes, count: int) -> tuple[bytes, bool]:
        for is_last in (False, True):
            try:
                return self._cipher.decrypt(_NONCE.pack(count, is_last), sealed, self._beginning), is_last
            except InvalidTag:
                continue
        raise SealError("the file was changed, or sealed with another key")

    def _exactly(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise SealError("the file breaks off")
        return data


def lengths_of(file: BinaryIO) -> Iterator[int]:
    """The lengths of the pieces, before they were sealed, from the first on, behind which ``Unsealer`` leaves a file.

    Nothing is opened: they are to be trusted once the pieces were read. What breaks off ends them.
    """
    position = file.tell()
    end = file.seek(0, os.SEEK_END)
    while position + _LENGTH.size <= end:
        file.seek(position)
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        position += _LENGTH.size + length
        if length < _TAG_BYTES or position > end:
            return
        yield length - _TAG_BYTES


def _cipher(key: bytes, salt: bytes) -> AESGCM:
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, b"mediasrv sealed file").derive(key))
