"""The courier: carries requests from one server of a fleet to another, as they came, marked with the fleet's secret."""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from types import MappingProxyType

import aiohttp
from aiohttp import web

from mediasrv.fleet.node import Node
from mediasrv.server.webhooks import read_request
from mediasrv.wire.signature import as_bytes

log = logging.getLogger(__name__)

HANDED_ON = "X-Mediasrv-Handed-On"
"""Header of requests that one server of the fleet hands on to another; holds the fleet's secret."""
CONNECT_WITHIN_S = 1.0
ANSWER_WITHIN_S = 3.0
"""Longest wait for another server; carriers wait longer, callers would rather not."""
SILENT_S = 30.0
"""Longest silence of an answer that goes on: a console's events say more often that there are none."""
# RFC 9110 section 7.6.1: headers of a connection, not of a request.
_OF_CONNECTIONS = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
)


class Courier:
    """One server's; ``start`` it, and ``aclose`` it in any case."""

    def __init__(self, secret: str) -> None:
        """``secret`` is the fleet's."""
        self._secret = secret
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Get ready."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S, sock_connect=CONNECT_WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        if self._session is not None:
            await self._session.close()

    def is_ours(self, request: web.Request) -> bool:
        """Whether a server of the fleet has handed a request on; raise the HTTP error for one who pretends to be."""
        if HANDED_ON not in request.headers:
            return False
        if not hmac.compare_digest(as_bytes(request.headers[HANDED_ON]), self._secret.encode()):
            raise web.HTTPForbidden(text="forbidden\n")
        return True

    async def carry(self, request: web.Request, node: Node, path: str = "", **more: str) -> web.Response | None:
        """Another server's answer to a request, or to it with another path; ``None`` when it does not answer.

        ``more`` are further headers.
        """
        try:
            async with self._ask(request, node, await read_request(request), path, more) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), headers=_headers(answer.headers.items())
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a node does not answer: %s", type(error).__name__, extra={"node": node.name})
            return None

    async def pipe(self, request: web.Request, node: Node) -> web.StreamResponse | None:
        """Another server's answer to a GET request as it comes, to its end; ``None`` where he has nothing to say.

        When he breaks off in the middle, so does the answer.
        """
        response: web.StreamResponse | None = None
        timeout = aiohttp.ClientTimeout(sock_connect=CONNECT_WITHIN_S, sock_read=SILENT_S)
        try:
            async with self._ask(request, node, timeout=timeout) as answer:
                if answer.status == web.HTTPNotFound.status_code:
                    return None
                response = web.StreamResponse(status=answer.status, headers=_headers(answer.headers.items()))
                response.content_length = answer.content_length
                await response.prepare(request)
                async for piece in answer.content.iter_any():
                    await response.write(piece)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.info("an answer breaks off: %s", type(error).__name__, extra={"node": node.name})
            if response is not None and request.transport is not None:
                request.transport.abort()
        return response

    def _ask(
        self,
        request: web.Request,
        node: Node,
        body: bytes = b"",
        path: str = "",
        more: Mapping[str, str] = MappingProxyType({}),
        timeout: aiohttp.ClientTimeout | None = None,
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        assert self._session is not None  # start was called
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OF_CONNECTIONS]
        return self._session.request(
            request.method,
            f"{node.url.rstrip('/')}{path or request.raw_path}",
            headers=[*headers, (HANDED_ON, self._secret), *_named(more)],
            data=body,
            allow_redirects=False,
            timeout=timeout or self._session.timeout,
        )

    async def ask_all(self, request: web.Request, nodes: Iterable[Node], path: str = "") -> list[web.Response]:
        """The good answers of several at once."""
        answers = await asyncio.gather(*(self.carry(request, node, path) for node in nodes))
        return [answer for answer in answers if answer is not None and answer.status == web.HTTPOk.status_code]


def _named(more: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    return ((name.replace("_", "-"), value) for name, value in more.items())


def _headers(given: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in given if name.lower() not in _OF_CONNECTIONS]
