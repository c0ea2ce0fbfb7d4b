"""The gate between the servers of a fleet: a request about a call goes on to the server that has the call.

Carriers send their webhooks to the fleet's own address, which is any of the servers. Whoever gets one proves it, and
hands it on as it came, marked with the fleet's secret. The question for a new call's document goes to the server with
the most room, which answers with a stream URL of its own, or to the next one if there is none after all; when all are
full, the caller hears so. A caller whose server has died under him comes back the same way. While the registry is away,
and where a server does not answer, whoever has the request answers it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware

from mediasrv.carriers.base import Happening
from mediasrv.fleet.node import Node, RegistryError
from mediasrv.fleet.options import FleetOptions
from mediasrv.server.api.clerk import DEFAULT_MOST
from mediasrv.server.courier import Courier
from mediasrv.server.fleetpages import asked_of_each, merged
from mediasrv.server.webhooks import AFTER, LOST, NO_ROOM, PROVEN, Webhooks

if TYPE_CHECKING:
    # It needs the redis package, and a server that is alone does not.
    from mediasrv.fleet.member import Member

log = logging.getLogger(__name__)

IS_LOST = "X-Mediasrv-Lost"
"""Header of requests that are handed on, for a call whose server is dead."""
MAX_TRIES = 3

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
        self._webhooks = {each.carrier.name: each for each in webhooks}
        for each in self._webhooks.values():
            each.fleet_url = membership.options.url.rstrip("/")
        self._courier = Courier(membership.options.secret)

    async def start(self) -> None:
        """Get ready to hand on, and join the fleet."""
        await self._courier.start()
        await self._member.start()

    async def aclose(self) -> None:
        """Leave the fleet; safe to call twice."""
        await self._member.aclose()
        await self._courier.aclose()

    @property
    def middleware(self) -> Middleware:
        """What every request passes."""

        @web.middleware
        async def pass_gate(request: web.Request, handler: _Work) -> web.StreamResponse:
            if self._courier.is_ours(request):
                return await self._answer_ours(request, handler)
            response = await self._hand_on(request, handler) or await handler(request)
            if request.get(NO_ROOM):
                webhooks = self._webhooks[request.path.strip("/").partition("/")[0]]
                webhooks.turn_away(*await webhooks.read(request))
            return response

        return pass_gate

    async def _answer_ours(self, request: web.Request, handler: _Work) -> web.StreamResponse:
        """Answer what another server has handed on; where there is no room, he asks the next one."""
        request[PROVEN] = True
        request[LOST] = IS_LOST in request.headers
        response = await handler(request)
        return web.Response(status=503) if request.get(NO_ROOM) else response

    async def _hand_on(self, request: web.Request, handler: _Work) -> web.StreamResponse | None:
        """The answer of the server that a request is for; ``None`` where that is this one."""
        carrier, _, rest = request.path.strip("/").partition("/")
        try:
            if carrier in self._webhooks and rest != "stream":
                return await self._hand_on_webhook(request, handler, self._webhooks[carrier], rest)
            if carrier == "calls" and rest:
                return await self._hand_on_order(request, handler, rest.partition("/")[0])
            if carrier == "calls" and request.method == "GET":
                return await self._list(request, handler)
        except RegistryError as error:
            log.debug("answered here: %s", error)
        return None

    # -- carriers ------------------------------------------------------------------------------------------------

    async def _hand_on_webhook(
        self, request: web.Request, handler: _Work, webhooks: Webhooks, path: str
    ) -> web.StreamResponse | None:
        fields, webhook = await webhooks.read(request)
        call_id, is_over = webhooks.subject(fields, webhook), webhook.happening is Happening.ENDED
        if not call_id:
            return None
        if webhooks.asks_for_room(path, webhook):
            return await self._place(request, handler, webhooks, call_id)
        try:
            node = await self._member.owner(call_id)
        finally:
            if is_over:
                await self._member.cancel(webhook.call_id)
        if path == AFTER and not is_over:
            return await self._go_on(request, handler, webhooks, call_id, node)
        return await self._courier.carry(request, node) if node is not None else None

    async def _go_on(
        self, request: web.Request, handler: _Work, webhooks: Webhooks, call_id: str, node: Node | None
    ) -> web.StreamResponse:
        """How a call goes on whose stream is over: whose it was knows, and where he is dead or has no room, another."""
        if node is not None:
            if (answer := _taken(await self._courier.carry(request, node))) is not None:
                return answer
            request[LOST] = True
            return await self._place(request, handler, webhooks, call_id, [node.name])
        if await self._member.is_lost(call_id):
            request[LOST] = True
            return await self._place(request, handler, webhooks, call_id)
        response = await handler(request)
        if not request.pop(NO_ROOM, False):
            return response
        request[LOST] = True
        return await self._place(request, handler, webhooks, call_id, [self._member.name])

    async def _place(
        self, request: web.Request, handler: _Work, webhooks: Webhooks, call_id: str, without: Iterable[str] = ()
    ) -> web.StreamResponse:
        """The document of a server that has room, besides some."""
        tried = list(without)
        more = {IS_LOST: "1"} if request.get(LOST) else {}
        refusal: web.StreamResponse | None = None
        for _ in range(MAX_TRIES):
            request.pop(NO_ROOM, None)
            node = await self._member.place(call_id, tried)
            if node is None:
                log.warning("the whole fleet is full", extra={"call": call_id})
                request[NO_ROOM] = True
                return refusal or webhooks.document(webhooks.carrier.busy)
            if node.name != self._member.name:
                if (response := _taken(await self._courier.carry(request, node, **more))) is not None:
                    return response
            else:
                refusal = await handler(request)
                if not request.get(NO_ROOM):
                    return refusal
            tried.append(node.name)
        return refusal or await handler(request)

    # -- operators -----------------------------------------------------------------------------------------------

    async def watch(self, request: web.Request, call_id: str) -> web.StreamResponse | None:
        """What the server that has a call tells of it, for as long as somebody watches; ``None`` where it is this one,
        or nobody's.
        """
        node = await self._node_of(request, call_id)
        return await self._courier.pipe(request, node) if node is not None else None

    async def fetch(self, request: web.Request, call_id: str) -> web.StreamResponse | None:
        """What any other server has of a call that may be over for long, likewise."""
        node = await self._node_of(request, call_id)
        others = [] if PROVEN in request else await self._others()
        for each in sorted(others, key=lambda other: other != node):
            if (answer := await self._courier.pipe(request, each)) is not None:
                return answer
        return None

    async def _node_of(self, request: web.Request, call_id: str) -> Node | None:
        """Whose a call is; nobody's for who was sent by another server, who has asked already."""
        try:
            return None if PROVEN in request else await self._member.owner(call_id)
        except RegistryError:
            return None

    async def _others(self) -> Sequence[Node]:
        try:
            return await self._member.others()
        except RegistryError:
            return ()

    async def _hand_on_order(self, request: web.Request, handler: _Work, call_id: str) -> web.StreamResponse | None:
        """Do what is to be done with a call where it is; what was known of it may be known anywhere."""
        node = await self._member.owner(call_id)
        if node is not None:
            return await self._courier.carry(request, node)
        response = await handler(request)
        if request.method == "GET" and response.status == web.HTTPNotFound.status_code:
            return next(iter(await self._courier.ask_all(request, await self._member.others())), response)
        return response

    async def _list(self, request: web.Request, handler: _Work) -> web.StreamResponse:
        """The calls of all servers, for who may see those of this one."""
        ours = await handler(request)
        if not isinstance(ours, web.Response) or ours.status != web.HTTPOk.status_code:
            return ours
        nodes = [self._member.here, *await self._member.others()]
        last = None
        if after := request.query.get("after", ""):
            found = await self._courier.ask_all(request, nodes, f"/calls/{quote(after, safe='')}")
            if not found:
                return ours
            last = orjson.loads(found[0].body)  # type: ignore[arg-type]
        path = asked_of_each("/calls", request.query, last)
        pages = [orjson.loads(each.body) for each in await self._courier.ask_all(request, nodes, path)]  # type: ignore[arg-type]
        most = int(request.query.get("most", DEFAULT_MOST))
        return web.json_response(body=orjson.dumps(merged(pages, most, last)))


def _taken(response: web.Response | None) -> web.Response | None:
    """The answer of a server that has room; ``None`` for one that has none, or did not answer."""
    return None if response is None or response.status == web.HTTPServiceUnavailable.status_code else response
