"""The client's end of a WebSocket, as much of it as a caller needs (RFC 6455).

A mask of zeros costs a server no less to take off than any other, and leaves messages as they are: they are framed once
for all callers.
"""

from __future__ import annotations

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
_FINAL, _MASKED = 0x80, 0x80
_LONG, _VERY_LONG = 126, 127
_MASK = b"\0\0\0\0"

UPGRADE = (
    "GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


def framed(payload: bytes, opcode: int = TEXT) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < _LONG:
        return bytes((_FINAL | opcode, _MASKED | size)) + _MASK + payload
    if size < 1 << 16:
        return bytes((_FINAL | opcode, _MASKED | _LONG)) + size.to_bytes(2, "big") + _MASK + payload
    return bytes((_FINAL | opcode, _MASKED | _VERY_LONG)) + size.to_bytes(8, "big") + _MASK + payload


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
