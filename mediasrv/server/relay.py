"""The relay: a request that came to a worker over TLS goes on as if it had come without.

    carrier ─► TLS ─► front door ─► relay ─► a socket of our own ─► the lobby ─► the worker that it is for
            ◄─────────────────────────────── its answer ◄──────────────────────────┘

Nobody could see what the connection held before it was here; now the supervisor can, and sends the request to where its
call is. Who has made it is told in headers ahead of his own. A stream takes no such way: it stays where it came.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import cast


class Relay(asyncio.Protocol):
    """Takes the place of whatever answers requests, for one connection."""

    def __init__(self, send: Callable[[socket.socket], bool], left: Callable[[], None]) -> None:
        """``send`` has a socket looked at, and tells whether it could; ``left`` is called when the carrier is gone."""
        self._send = send
        self._left = left
        self._early = b""
        self._far: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self.near = cast("asyncio.Transport", transport)
        ours, theirs = socket.socketpair()
        with theirs:
            is_sent = self._send(theirs)
        if not is_sent:
            ours.close()
            self.near.close()
            return
        self._task = asyncio.create_task(self._reach(ours))

    def data_received(self, data: bytes) -> None:
        if self._far is not None:
            self._far.write(data)
            return
        self._early += data if self._early else _signed(data, self.near.get_extra_info("peername"))
        # What comes before the far end is there is one request's head, and what came with it.
        self.near.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self._left()
        if self._task is not None:
            self._task.cancel()
        if self._far is not None:
            self._far.abort()

    def pause_writing(self) -> None:
        if self._far is not None:
            self._far.pause_reading()

    def resume_writing(self) -> None:
        if self._far is not None:
            self._far.resume_reading()

    async def _reach(self, ours: socket.socket) -> None:
        try:
            far, _ = await asyncio.get_running_loop().create_unix_connection(lambda: _Far(self.near), sock=ours)
        except OSError:
            ours.close()
            self.near.close()
            return
        self._far = far
        far.write(self._early)
        if not self.near.is_closing():
            self.near.resume_reading()


class _Far(asyncio.Protocol):
    """The end toward whoever answers."""

    def __init__(self, near: asyncio.Transport) -> None:
        self._near = near

    def data_received(self, data: bytes) -> None:
        if not self._near.is_closing():
            self._near.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._near.close()

    def pause_writing(self) -> None:
        with suppress(RuntimeError):
            self._near.pause_reading()

    def resume_writing(self) -> None:
        with suppress(RuntimeError):
            self._near.resume_reading()


def _signed(head: bytes, peer: object) -> bytes:
    """A request with who has made it, ahead of what he says himself."""
    address = str(peer[0]) if isinstance(peer, tuple) else ""
    line, end, rest = head.partition(b"\r\n")
    return line + end + f"X-Forwarded-For: {address}\r\nX-Forwarded-Proto: https\r\n".encode() + rest
