"""How a WebSocket opens, on either side; with ``frames``, the only door to the ``websockets`` package.

    request head ─► ServerHandshake.accept ─┐
                                            ├─► WebSocket.listen ─► on_message … on_closed
    connect(url) ───────────────────────────┘

The package's sans-IO protocols parse and write everything on the wire; see ``connection`` for what drives them once
they are open. Compression is never agreed to: audio in base64 does not repay it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from ssl import SSLContext
from typing import cast

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidURI
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from mediasrv.errors import MediasrvError
from mediasrv.net.connection import FLOOD, Limits, WebSocket

__all__ = ["FLOOD", "HEAD_BYTES", "HandshakeError", "Limits", "ServerHandshake", "WebSocket", "connect"]

# The package logs whole frames at DEBUG, and frames hold what people say: its logger is never let below WARNING.
_frames_log = logging.getLogger("mediasrv.net.frames")
_frames_log.setLevel(logging.WARNING)

HEAD_BYTES = 16 * 1024
"""Longest head of a request or a response."""

LIMITS = Limits()


class HandshakeError(MediasrvError, ConnectionError):
    """The other side refused the WebSocket or does not speak it; ``status`` is its HTTP status, 0 without one."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.status = status


class ServerHandshake:
    """A client's wish to open a WebSocket; answer it once, with ``accept`` or ``refuse``."""

    def __init__(self, transport: asyncio.Transport, head: bytes, limits: Limits = LIMITS) -> None:
        """Read a request head, its blank line included; raise ``HandshakeError`` for what is none."""
        self._transport = transport
        self._limits = limits
        # No function of ours that selects the subprotocol: the package would bind it in a circle.
        self._protocol = ServerProtocol(max_size=limits.message_bytes, logger=_frames_log)
        self._protocol.receive_data(head)
        events = self._protocol.events_received()
        if not events:
            raise HandshakeError("the request's head cannot be read")
        self._request = cast("Request", events[0])

    @property
    def target(self) -> str:
        """Path and query as they were sent."""
        return self._request.path

    @property
    def headers(self) -> dict[str, str]:
        """The request's headers, names in lower case, repeated ones joined with commas."""
        headers: dict[str, str] = {}
        for name, value in self._request.headers.raw_items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        return headers

    def accept(self, subprotocol: str | None = None, rest: bytes = b"") -> WebSocket:
        """Open the WebSocket, and read ``rest``, the bytes that came behind the head.

        ``subprotocol`` is one of those that were offered. Raise ``HandshakeError`` when the handshake is broken; the
        client has its answer then.
        """
        self._protocol.available_subprotocols = [cast("Subprotocol", subprotocol)] if subprotocol else None
        response = self._protocol.accept(self._request)
        self._protocol.send_response(response)
        if self._protocol.state is not OPEN:
            self._transport.write(response.serialize())
            self._transport.close()
            raise HandshakeError("the handshake is broken", response.status_code)
        websocket = WebSocket(self._protocol, self._transport, self._limits, is_server=True)
        if rest:
            websocket.data_received(rest)
        return websocket

    def refuse(self, status: int, text: str) -> None:
        """Answer with an HTTP error whose body is one line of text, and close."""
        self._transport.write(self._protocol.reject(status, f"{text}\n").serialize())
        self._transport.close()


class _Opening(asyncio.Protocol):
    """The client's side of the handshake."""

    def __init__(self, protocol: ClientProtocol, limits: Limits) -> None:
        self.opened: asyncio.Future[WebSocket] = asyncio.get_running_loop().create_future()
        self._protocol = protocol
        self._limits = limits
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        for data in self._protocol.data_to_send():
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if self.opened.done():
            return
        if not blank:
            if len(head) > HEAD_BYTES:
                self._fail(HandshakeError("the server's answer is too long"))
            return
        self._protocol.receive_data(head + blank)
        if self._protocol.state is not OPEN:
            status = head.split(maxsplit=2)[1:2] if head.startswith(b"HTTP/") else []
            code = int(status[0]) if status and status[0].isdigit() else 0
            detail = f"HTTP {code}" if code not in (0, 101) else str(self._protocol.handshake_exc)
            self._fail(HandshakeError(f"the server refused the WebSocket: {detail}", code))
            return
        self._protocol.events_received()  # the response
        websocket = WebSocket(self._protocol, self._transport, self._limits, is_server=False)
        if rest:
            websocket.data_received(rest)
        self.opened.set_result(websocket)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(HandshakeError("the server closed the connection in the handshake"))

    def _fail(self, error: HandshakeError) -> None:
        if not self.opened.done():
            self.opened.set_exception(error)


async def connect(
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] | None = None,
    ssl: SSLContext | None = None,
    timeout_s: float = 10.0,
    limits: Limits = LIMITS,
) -> WebSocket:
    """Open a WebSocket to a ``ws`` or ``wss`` URL; call its ``listen`` before the next ``await``.

    A ``wss`` URL needs ``ssl``, made at start-up: making one reads files. Raise ``HandshakeError`` for a URL that is
    none and for a server that refuses, ``OSError`` where there is no server, ``TimeoutError`` (an ``OSError`` too).
    """
    try:
        uri = parse_uri(url)
    except (InvalidURI, ValueError) as error:
        raise HandshakeError(f"not a WebSocket URL: {error}") from None
    if uri.secure and ssl is None:
        raise HandshakeError("a wss URL needs an SSL context")
    protocol = ClientProtocol(
        uri,
        subprotocols=cast("Sequence[Subprotocol] | None", subprotocols or None),  # none is no empty header
        max_size=limits.message_bytes,
        logger=_frames_log,
    )
    request = protocol.connect()
    request.headers.update(headers or {})
    protocol.send_request(request)
    opening = _Opening(protocol, limits)
    async with asyncio.timeout(timeout_s):
        transport, _ = await asyncio.get_running_loop().create_connection(
            lambda: opening, uri.host, uri.port, ssl=ssl if uri.secure else None
        )
        websocket = None
        try:
            websocket = await opening.opened
        finally:
            if websocket is None:
                transport.abort()
    return websocket
