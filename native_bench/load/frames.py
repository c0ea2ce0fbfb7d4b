"""WebSocket frames, as much of them as callers and a stand-in under load need (RFC 6455).

A mask of zeros costs a server no less to take off than any other, and leaves messages as they are: they are framed once
for all callers.
"""

from __future__ import annotations

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
_LONG, _VERY_LONG = 126, 127
_MASK = b"\0\0\0\0"

UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def framed(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame."""
    return _head(len(payload), opcode, _MASKED) + _MASK + payload


def served(payload: bytes, opcode: int = TEXT) -> bytes:
    """A server's frame."""
    return _head(len(payload), opcode, 0) + payload


def _head(size: int, opcode: int, masked: int) -> bytes:
    if size < _LONG:
        return bytes((_FINAL | opcode, masked | size))
    if size < 1 << 16:
        return bytes((_FINAL | opcode, masked | _LONG)) + size.to_bytes(2, "big")
    return bytes((_FINAL | opcode, masked | _VERY_LONG)) + size.to_bytes(8, "big")


def unframed(data: bytes, at: int = 0) -> tuple[int, int, int] | None:
    """The server's frame that begins at a place: opcode, and where its payload begins and ends.

    ``None`` while it is not all there. The server does not mask, and is taken not to cut messages into pieces.
    """
    have = len(data) - at
    if have < 2:
        return None
    size, begin = data[at + 1] & 0x7F, at + 2
    if size == _LONG:
        begin += 2
        size = int.from_bytes(data[at + 2 : begin], "big")
    elif size == _VERY_LONG:
        begin += 8
        size = int.from_bytes(data[at + 2 : begin], "big")
    if len(data) < begin + size:
        return None
    return data[at] & 0x0F, begin, begin + size


def unmasked(data: bytes, at: int = 0) -> tuple[int, bytes, int] | None:
    """The client's frame that begins at a place: opcode, payload, and where it ends; ``None`` while it is not there."""
    found = unframed(data, at)
    if found is None or len(data) < found[2] + 4:
        return None
    opcode, begin, end = found
    size = end - begin
    mask = (data[begin : begin + 4] * (size // 4 + 1))[:size]
    plain = int.from_bytes(data[begin + 4 : end + 4], "big") ^ int.from_bytes(mask, "big")
    return opcode, plain.to_bytes(size, "big"), end + 4
