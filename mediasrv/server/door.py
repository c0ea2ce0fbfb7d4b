"""The front door of the one public port: it reads the head of a connection's first request and hands the connection on.

    head ─┬─► GET, Upgrade: websocket, a path of the media door ─► ServerHandshake ─► MediaDoor
          └─► anything else ─► aiohttp's request handler, which keeps the connection

A transport changes hands by ``set_protocol``, and what was read goes with it, so that not a byte is lost. What is not
HTTP is told so in one line. A WebSocket must be the first request of its connection; aiohttp says so to later ones.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import cast

from mediasrv.net.websocket import HEAD_BYTES, HandshakeError, ServerHandshake
from mediasrv.server.crowd import TOO_MANY, Crowd
from mediasrv.server.media import STREAM_LIMITS, MediaDoor

HEAD_WITHIN_S = 10.0
"""Longest time for a request's head to arrive."""

# RFC 9112 section 3, and what may become it.
_REQUEST_LINE = re.compile(rb"([A-Z]{1,16}) ([\x21-\x7e]+) HTTP/1\.[01]")
_REQUEST_LINE_BEGUN = re.compile(rb"[A-Z]{1,16}( [\x21-\x7e]*( [HTP/1.0]{0,8}\r?)?)?")
# RFC 9110 section 5.1 and 5.5; aiohttp refuses the others too, in many more words.
_HEADER_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*")
_UPGRADE = re.compile(rb"\r\nupgrade:[\t ]*websocket[\t ]*\r\n", re.IGNORECASE)


Http = Callable[[Callable[[], None]], asyncio.Protocol]
"""Makes the protocol of a connection that is no stream, which calls what it is given when that is lost."""


class FrontDoor(asyncio.Protocol):
    """One connection until its first request is known."""

    def __init__(
        self,
        media: MediaDoor,
        http: Http,
        crowd: Crowd,
        *,
        is_for_one: bool = False,
    ) -> None:
        """A connection ``is_for_one`` request where the next one may be for another process.

        ``crowd`` are all who are connected.
        """
        self._media = media
        self._http = http
        self._crowd = crowd
        self._is_for_one = is_for_one
        self._received = b""
        self._is_done = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._timer = asyncio.get_running_loop().call_later(HEAD_WITHIN_S, self._expire)
        if not self._crowd.enter(self._transport):
            self._answer(HTTPStatus.TOO_MANY_REQUESTS, TOO_MANY)

    def connection_lost(self, exc: Exception | None) -> None:
        self._leave()
        self._crowd.leave(self._transport)

    def data_received(self, data: bytes) -> None:
        if self._is_done:
            return
        # RFC 9112 section 2.2: empty lines ahead of a request are skipped.
        self._received = (self._received + data).lstrip(b"\r\n")
        head, blank, rest = self._received.partition(b"\r\n\r\n")
        if len(head) > HEAD_BYTES:
            self._answer(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "the request's head is too long")
        elif not _is_http(head, is_whole=bool(blank)):
            self._answer(HTTPStatus.BAD_REQUEST, "this is not HTTP")
        elif blank:
            self._hand_on(head + blank, rest)

    def _hand_on(self, head: bytes, rest: bytes) -> None:
        self._leave()
        method, target, _ = head.split(b" ", 2)
        path = target.partition(b"?")[0].decode("ascii")
        if not (method == b"GET" and self._media.serves(path) and _UPGRADE.search(head)):
            if self._is_for_one:
                head = head[:-2] + b"Connection: close\r\n\r\n"
            handler = self._http(partial(self._crowd.leave, self._transport))
            self._transport.set_protocol(handler)
            handler.connection_made(self._transport)
            handler.data_received(head + rest)
            return
        try:
            handshake = ServerHandshake(self._transport, head, STREAM_LIMITS)
        except HandshakeError as error:
            self._answer(HTTPStatus.BAD_REQUEST, str(error))
            return
        self._media.upgrade(handshake, rest, partial(self._crowd.leave, self._transport))

    def _expire(self) -> None:
        if self._received:
            self._answer(HTTPStatus.REQUEST_TIMEOUT, "the request did not come")
        else:
            self._leave()
            self._transport.close()

    def _answer(self, status: HTTPStatus, text: str) -> None:
        self._leave()
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text) + 1}\r\nConnection: close\r\n\r\n"
        )
        self._transport.write(f"{head}{text}\n".encode())
        self._transport.close()

    def _leave(self) -> None:
        self._is_done = True
        self._timer.cancel()
        self._crowd.heard(self._transport)


def _is_http(head: bytes, *, is_whole: bool) -> bool:
    """Whether this is the head of a request, or may become one."""
    request_line, *headers = head.split(b"\r\n")
    if not (is_whole or headers):
        return not request_line or _REQUEST_LINE_BEGUN.fullmatch(request_line) is not None
    if not is_whole:
        headers.pop()
    return _REQUEST_LINE.fullmatch(request_line) is not None and all(map(_HEADER_LINE.fullmatch, headers))
