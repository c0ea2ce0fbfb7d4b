"""The public port: claimed before anything slow is done, opened when the server is ready.

Between the two the sockets are bound and do not listen, so that callers are refused by the kernel and not left waiting.
Listening is done here and not by the event loop: of two servers that warm up at the same time the second must fail
aloud, and uvloop keeps that error to itself.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, MutableMapping, Sequence
from ssl import SSLContext

from mediasrv.errors import MediasrvError

HAND_OVER_S = 1.0
"""How long a server that leaves a shared port still lets new calls in: what it has accepted is read by then."""
HANDSHAKE_WITHIN_S = 10.0
"""Longest TLS handshake."""
_BACKLOG = 1024
_FIRST_INHERITED = 3


class ListenError(MediasrvError):
    """The port cannot be had; the text says what to do."""


class Port:
    """All addresses of one host name, at one port."""

    is_for_one = False
    """Whether a connection serves one request only."""

    def __init__(
        self, host: str, port: int, inherited: Sequence[socket.socket] = (), tls: SSLContext | None = None
    ) -> None:
        """``inherited`` sockets listen already, and take the place of host and port; with ``tls`` they speak that."""
        self._tls = tls
        self._host = host
        self._inherited = inherited
        self.number = port
        """The port in use, once it was claimed."""
        self._sockets: list[socket.socket] = []
        self._servers: list[asyncio.Server] = []

    @property
    def is_inherited(self) -> bool:
        """Whether others have the port too, or will have it after us."""
        return bool(self._inherited)

    async def claim(self) -> None:
        """Bind the port, 0 being a free one; raise ``ListenError`` when it cannot be had."""
        if self._inherited:
            self._sockets = list(self._inherited)
            self.number = _port_of(self._sockets[0])
            return
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(
                self._host or None, self.number, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            for family, address in sorted({(family, address[:2]) for family, _, _, _, address in found}):
                self._bind(family, str(address[0]))
        except OSError as error:
            raise self._error(error) from None

    def _bind(self, family: int, host: str) -> None:
        server = socket.socket(family, socket.SOCK_STREAM)
        self._sockets.append(server)
        # A restarted server must not wait for the last one's connections to be forgotten.
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((host, self.number))
        self.number = server.getsockname()[1]

    async def open(self, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        """Let connections in; raise ``ListenError`` when somebody else was faster."""
        loop = asyncio.get_running_loop()
        patience_s = HANDSHAKE_WITHIN_S if self._tls else None
        self._servers = [
            await loop.create_server(
                make_protocol, sock=server, backlog=_BACKLOG, ssl=self._tls, ssl_handshake_timeout=patience_s
            )
            for server in self.listen()
        ]

    def listen(self) -> Sequence[socket.socket]:
        """Let connections come, for somebody else to accept; raise ``ListenError`` likewise."""
        try:
            for server in self._sockets:
                server.listen(_BACKLOG)
        except OSError as error:
            raise self._error(error) from None
        return self._sockets

    def close(self) -> None:
        """Let no more connections in; those that are open stay. Safe to call twice."""
        for server in self._servers:
            server.close()
        for bound in self._sockets:
            bound.close()

    def _error(self, error: OSError) -> ListenError:
        self.close()
        where = f"{self._host}:{self.number}"
        return ListenError(f"cannot listen on {where}: {error.strerror}; choose another with server.host, server.port")


def inherited(environ: MutableMapping[str, str]) -> list[socket.socket]:
    """The sockets that systemd has opened for this process, none where it has not; see sd_listen_fds(3).

    What says so is taken out of ``environ``: it is not meant for whom we start.
    """
    count, pid = environ.pop("LISTEN_FDS", "0"), environ.pop("LISTEN_PID", "")
    environ.pop("LISTEN_FDNAMES", None)
    if pid != str(os.getpid()):
        return []
    found = [socket.socket(fileno=_FIRST_INHERITED + index) for index in range(int(count))]
    for each in found:
        each.set_inheritable(False)
    return found


def _port_of(server: socket.socket) -> int:
    """0 for what is no internet socket."""
    name = server.getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0
