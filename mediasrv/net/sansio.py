"""What a connection asks of a WebSocket protocol that knows no socket.

Whoever drives it hands over the bytes that came and writes those it has to send: after every call, for any may have
made some. Its state machine, its control frames and its closing handshake (RFC 6455 sections 5 and 7) are its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class Close(Protocol):
    """What a close frame says."""

    code: int
    reason: str


class Frame(Protocol):
    """What a received frame holds."""

    opcode: Any
    fin: bool
    data: Any


class SansIo(Protocol):
    """The part of the protocol objects of ``websockets`` that drives an open connection."""

    subprotocol: Any
    close_rcvd: Any
    close_sent: Any

    def receive_data(self, data: bytes, /) -> None: ...
    def receive_eof(self) -> None: ...
    def events_received(self) -> Sequence[Any]: ...
    def data_to_send(self) -> Sequence[bytes]: ...
    def close_expected(self) -> bool: ...
    def send_ping(self, data: bytes, /) -> None: ...
    def send_close(self, code: int, reason: str, /) -> None: ...
    def fail(self, code: int, reason: str, /) -> None: ...
