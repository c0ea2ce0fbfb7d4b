"""What this server and a worker process of its own say to each other over two pipes.

A frame is a header and a payload:

    kind   1 byte   what it says, see ``Kind``
    request  4 bytes  the phrase it is about, 0 for the worker itself
    length   4 bytes  size of the payload that follows

in little-endian order. The server asks with SPEAK and may take it back with CANCEL; the worker says READY once and then
answers each SPEAK that is not taken back with any number of AUDIO and one DONE or FAILED. After a CANCEL nothing more
need come, and what still comes is late.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

MAX_PAYLOAD_BYTES = 1 << 20
"""Larger is not a frame but a stream that has lost its step; no phrase and no piece of audio comes near."""

_HEADER = struct.Struct("<BII")


class Kind(IntEnum):
    """What a frame says."""

    SPEAK = 1
    """Say the payload, UTF-8 text."""
    CANCEL = 2
    """The rest of that phrase is not wanted."""
    READY = 3
    """The model is loaded and warm; the payload is the rate of its audio in Hz, in decimal digits."""
    AUDIO = 4
    """More of the phrase: 16-bit little-endian samples."""
    DONE = 5
    """The phrase is whole."""
    FAILED = 6
    """The phrase, or with request 0 the start of the worker, failed; the payload says why in UTF-8."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message."""

    kind: Kind
    request: int = 0
    payload: bytes = b""

    @property
    def text(self) -> str:
        """The payload of a frame that carries text."""
        return self.payload.decode("utf-8", "replace")


def encode(frame: Frame) -> bytes:
    """Return the bytes of a frame; raise ``ValueError`` for a payload that is too large."""
    if len(frame.payload) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"a payload of {len(frame.payload)} bytes is too large for a frame")
    return _HEADER.pack(frame.kind, frame.request, len(frame.payload)) + frame.payload


class Decoder:
    """Finds the frames in the bytes of one pipe, however they are cut."""

    def __init__(self) -> None:
        self._held = bytearray()

    def push(self, data: bytes) -> list[Frame]:
        """Take more bytes and return the frames that they complete; raise ``ValueError`` for what is no frame."""
        self._held += data
        frames: list[Frame] = []
        while len(self._held) >= _HEADER.size:
            kind, request, length = _HEADER.unpack_from(self._held)
            if length > MAX_PAYLOAD_BYTES:
                raise ValueError(f"a frame of {length} bytes is none of ours")
            end = _HEADER.size + length
            if len(self._held) < end:
                break
            frames.append(Frame(Kind(kind), request, bytes(self._held[_HEADER.size : end])))
            del self._held[:end]
        return frames
