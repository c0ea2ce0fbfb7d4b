"""The gate between the servers of a fleet: a request about a call goes on to the server that has the call.

Carriers send their webhooks to the fleet's own address, which is any of the servers. Whoever gets one proves it, and
hands it on as it came, marked with the fleet's secret. The question for a new call's document goes to the server with
the most room, which answers with a stream URL of its own; when all are full, the caller hears so. While the registry is
away, and where a server does not answer, whoever has the request answers it.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Middleware

from mediasrv.carriers.base import Happening
from mediasrv.fleet.node import Node, RegistryError
from mediasrv.fleet.options import FleetOptions
from mediasrv.server.webhooks import PROVEN, Webhooks, read_request
from mediasrv.wire.signature import as_bytes

if TYPE_CHECKING:
    # It needs the redis package, and a server that is alone does not.
    from mediasrv.fleet.member import Member

log = logging.getLogger(__name__)

HANDED_ON = "X-Mediasrv-Handed-On"
"""Header of requests that one server of the fleet hands on to another; holds the fleet's secret."""
ANSWER_WITHIN_S = 3.0
"""Longest wait for another server; carriers wait longer, callers would rather not."""
MAX_TRIES = 3
# RFC 9110 section 7.6.1: headers of a connection, not of a request.
_OF_CONNECTIONS = frozenset(
    {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
)

_Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Membership:
    """What a server needs to know of its fleet."""

    options: FleetOptions
    member: Member


class FleetGate:
    """One server's."""

    def __init__(self, membership: Membership, webhooks: Iterable[Webhooks]) -> None:
        """``webhooks`` are told the fleet's address, at which they are called too."""
        self._member = membership.member
        self._secret = membership.options.secret
        self._webhooks = {each.carrier.name: each for each in webhooks}
        for each in self._webhooks.values():
            each.fleet_url = membership.options.url.rstrip("/")
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Get ready to hand on, and join the fleet."""
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)
        await self._member.start()

    async def aclose(self) -> None:
        """Leave the fleet; safe to call twice."""
        await self._member.aclose()
        if self._session is not None:
            await self._session.close()

    @property
    def middleware(self) -> Middleware:
        """What every request passes."""

        @web.middleware
        async def pass_gate(request: web.Request, handler: _Work) -> web.StreamResponse:
            if HANDED_ON in request.headers:
                self._check(request)
                return await handler(request)
            return await self._hand_on(request) or await handler(request)

        return pass_gate

    def _check(self, request: web.Request) -> None:
        if not hmac.compare_digest(as_bytes(request.headers[HANDED_ON]), self._secret.encode()):
            raise web.HTTPForbidden(text="forbidden\n")
        request[PROVEN] = True

    async def _hand_on(self, request: web.Request) -> web.StreamResponse | None:
        """The answer of the server that a request is for; ``None`` where that is this one."""
        carrier, _, rest = request.path.strip("/").partition("/")
        try:
            if carrier in self._webhooks and rest != "stream":
                return await self._hand_on_webhook(request, self._webhooks[carrier], is_answer=rest == "answer")
            if carrier == "calls" and rest:
                return await self._forward_to_owner(request, rest.partition("/")[0])
        except RegistryError as error:
            log.debug("answered here: %s", error)
        return None

    async def _hand_on_webhook(
        self, request: web.Request, webhooks: Webhooks, *, is_answer: bool
    ) -> web.StreamResponse | None:
        _, webhook = await webhooks.read(request)
        if not webhook.call_id:
            return None
        if not is_answer or webhook.happening is Happening.ENDED:
            return await self._forward_to_owner(request, webhook.call_id)
        tried: list[str] = []
        while len(tried) < MAX_TRIES:
            node = await self._member.place(webhook.call_id, tried)
            if node is None:
                log.warning("the whole fleet is full", extra={"call": webhook.call_id})
                return webhooks.document(webhooks.carrier.busy)
            if node.name == self._member.name:
                return None
            if (response := await self._forward(request, node)) is not None:
                return response
            tried.append(node.name)
        return None

    async def _forward_to_owner(self, request: web.Request, call_id: str) -> web.StreamResponse | None:
        node = await self._member.owner(call_id)
        if node is None or node.name == self._member.name:
            return None
        return await self._forward(request, node)

    async def _forward(self, request: web.Request, node: Node) -> web.Response | None:
        """Another server's answer to a request; ``None`` when it does not answer."""
        assert self._session is not None  # start was called
        body = await read_request(request)
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _OF_CONNECTIONS]
        try:
            async with self._session.request(
                request.method,
                f"{node.url.rstrip('/')}{request.raw_path}",
                headers=[*headers, (HANDED_ON, self._secret)],
                data=body,
                allow_redirects=False,
            ) as answer:
                return web.Response(
                    status=answer.status, body=await answer.read(), headers=_headers(answer.headers.items())
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.warning("a node does not answer: %s", type(error).__name__, extra={"node": node.name})
            return None


def _headers(given: Iterable[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    return [(name, value) for name, value in given if name.lower() not in _OF_CONNECTIONS]
