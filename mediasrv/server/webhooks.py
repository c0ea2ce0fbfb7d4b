"""What carriers fetch and tell over HTTP: the document for a call, and webhooks about it.

One class serves every carrier; what a carrier says, and how it proves who it is, its ``Carrier`` knows. All of it is
form-encoded, or a flat JSON object; a request that proves nothing gets a 403 without a detail.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Iterable, Mapping

from aiohttp import web

from mediasrv.carriers.base import Carrier, HandoverDocuments, Happening, Webhook
from mediasrv.carriers.urls import with_query
from mediasrv.errors import SignatureError
from mediasrv.outbound.request import TAG
from mediasrv.server.calls import Calls
from mediasrv.server.request import all_values, first_values, form_of_json, origin_of
from mediasrv.server.visit import DEFAULT_AGENT
from mediasrv.turn.callee import Kind

log = logging.getLogger(__name__)

BODY_WITHIN_S = 10.0
"""Longest time for a request's body to arrive."""
MOST_URL_CHARS = 2048
"""Of the URL of a document, in which an agent's body may stand."""

PROVEN = web.RequestKey("proven", bool)
"""Key of requests that were proven to be the carrier's, where a server of our own has handed them on."""
NO_ROOM = web.RequestKey("no room", bool)
"""Key of requests whose call was refused for want of room."""
LOST = web.RequestKey("lost", bool)
"""Key of requests whose call was another server's that is dead."""
AFTER = "after"
"""Last part of the path at which a carrier asks how a call goes on whose stream is over."""
# What carriers call an event: anything else may hold numbers or words, and goes to no log and no figure.
_EVENT = re.compile(r"[A-Za-z._-]{1,40}")
_READ: web.RequestKey[tuple[dict[str, str], Webhook]] = web.RequestKey("read", tuple)


class Webhooks:
    """One carrier's requests."""

    def __init__(self, calls: Calls, carrier: Carrier, public_url: str) -> None:
        """``public_url`` as ``origin_of`` takes it."""
        self.carrier = carrier
        self._handing = carrier if isinstance(carrier, HandoverDocuments) else None
        self._calls = calls
        self._public_url = public_url
        self.fleet_url = ""
        """Origin at which the carrier reaches the whole fleet, where there is one."""

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path."""
        name = self.carrier.name
        failures = {"fallback": self._failure, AFTER: self._go_on} if self._handing else {}
        return (
            *(web.route("*", f"/{name}/{path}", answer) for path, answer in failures.items()),
            web.get(f"/{name}/answer", self._answer),
            web.post(f"/{name}/answer", self._answer),
            web.post(f"/{name}/callback/status", self._told),
            web.post(f"/{name}/callback/details", self._told),
            web.post(f"/{name}/callback/machine", self._told),
            web.get(f"/{name}/stream", self._stream),
        )

    async def aclose(self) -> None:
        """Free what is held; safe to call twice."""

    # -- what a fleet asks ---------------------------------------------------------------------------------------

    def subject(self, fields: Mapping[str, str], webhook: Webhook) -> str:
        """The call that a request is about; of another leg's, the call that is handed over to it."""
        return fields.get("call") or webhook.call_id

    def asks_for_room(self, path: str, webhook: Webhook) -> bool:
        """Whether a request, whose path ends like this, is one that any server with room may answer."""
        return path == "answer" and webhook.happening is not Happening.ENDED

    def turn_away(self, fields: Mapping[str, str], webhook: Webhook) -> None:
        """No server has room for a call: the document says so."""

    # -- requests ------------------------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.Response:
        """The document for a call that is being answered, or that is over."""
        fields, webhook = await self.read(request)
        if webhook.happening is Happening.ENDED:
            self._calls.hang_up(webhook.call_id)
        if webhook.happening is Happening.ENDED or self._calls.bygones.has_ended(webhook.call_id):
            # The question of a call that is over may come late; a stream would have nobody at its other end.
            return self.document(self.carrier.nothing)
        return self._open(request, fields, webhook)

    def _open(self, request: web.Request, fields: Mapping[str, str], webhook: Webhook) -> web.Response:
        """The document for a call that is to have a stream."""
        agent = self.agent_for(fields, webhook)
        if self._handing and (address := self._calls.agency.forwards.get(agent or DEFAULT_AGENT)):
            log.info("call forwarded", extra={"call": webhook.call_id, "agent": agent or DEFAULT_AGENT})
            return self.document(self._handing.dial(address))
        if (agent or DEFAULT_AGENT) not in self._calls.agency.names:
            self._calls.complaints.refused("there is no such agent", webhook.call_id)
            raise web.HTTPNotFound(text="there is no such agent\n")
        origin = self._origin(request)
        if not origin:
            raise web.HTTPBadRequest(text="the request names no host\n")
        if not self._calls.expect(webhook.call_id, webhook.from_number, webhook.to_number, webhook.direction):
            self._calls.complaints.refused(self._calls.refusal, webhook.call_id)
            request[NO_ROOM] = True
            return self.document(self.carrier.busy)
        self._calls.prepare(agent or DEFAULT_AGENT)
        log.info("call answered", extra={"call": webhook.call_id, "agent": agent or DEFAULT_AGENT})
        is_last = request.path.endswith(f"/{AFTER}")
        return self.document(self.stream(origin, webhook.call_id, agent, fields.get("body", ""), is_last=is_last))

    def stream(self, origin: str, call_id: str, agent: str, body: str, *, is_last: bool = False) -> str:
        """The document that opens a call's stream, and says where to ask if that breaks; if it is not the last one."""
        query = {"call": call_id, "agent": agent, "body": body, "last": "1" if is_last else ""}
        url = f"{self.fleet_url or origin}/{self.carrier.name}/{AFTER}"
        after_url = with_query(url, query)
        if len(after_url) > MOST_URL_CHARS:
            after_url = with_query(url, {**query, "body": ""})
        return self.carrier.answer(origin, call_id, agent, body, time.time(), after_url if self._handing else "")

    async def _go_on(self, request: web.Request) -> web.Response:
        """How a call goes on whose stream is over: it ends, if we have ended it; another stream, or a goodbye."""
        assert self._handing is not None  # or it would not be served
        fields, webhook = await self.read(request)
        call_id = webhook.call_id
        if webhook.happening is Happening.ENDED:
            self._calls.hang_up(call_id)
        if way := self._calls.switchboards.way_of(self.carrier.name, call_id):
            return self.document(self._handing.go_on(way))
        is_ours, was_missed = self._calls.resume(call_id), self._calls.miss(call_id)
        if self._calls.bygones.has_ended(call_id) or not (is_ours or was_missed or request.get(LOST, False)):
            return self.document(self._handing.hang_up)
        log.error("caller's stream broke", extra={"call": call_id, "is_last": "last" in fields})
        if "last" in fields:
            return self.document(self._handing.failure)
        if was_missed and self.fleet_url:
            # Here the carrier does not get through; others may be better off.
            request[NO_ROOM] = True
            return self.document(self._handing.failure)
        if is_ours:
            # He was here, so that he finds room even where there is none.
            self._calls.expect_back(call_id, webhook.from_number, webhook.to_number, webhook.direction)
        return self._open(request, fields, webhook)

    async def _failure(self, request: web.Request) -> web.Response:
        """What is said to a caller whose answer document did not come."""
        assert self._handing is not None  # or it would not be served
        _, webhook = await self.read(request)
        log.error("carrier had no answer", extra={"call": webhook.call_id})
        return self.document(self._handing.failure)

    async def _told(self, request: web.Request) -> web.Response:
        """A word about a call, its stream, its recording, or who has picked up."""
        _, webhook = await self.read(request)
        self._take(webhook)
        return web.Response(text="ok\n")

    def _take(self, webhook: Webhook) -> None:
        """Hand a word on to whom it concerns."""
        event = webhook.event if _EVENT.fullmatch(webhook.event) else "other" if webhook.event else "none"
        self._calls.metrics.called_back(event)
        log.info("call status", extra={"call": webhook.call_id, "event": event})
        if webhook.happening is Happening.ENDED:
            self._calls.hang_up(webhook.call_id)
        elif webhook.happening is Happening.STREAM_ENDED:
            self._calls.stream_ended(webhook.call_id, webhook.stream_id)
        elif webhook.happening is Happening.MACHINE and webhook.machine is not None:
            self._calls.callee_is(webhook.call_id, Kind.MACHINE if webhook.machine else Kind.HUMAN)
        elif webhook.happening is Happening.RECORDED:
            recording = (webhook.recording_id, webhook.recording_url, webhook.recording_ms)
            self._calls.recorded(webhook.call_id, *recording)

    async def _stream(self, request: web.Request) -> web.Response:
        if "upgrade" in request.headers:
            raise web.HTTPBadRequest(text="a WebSocket must be the first request of its connection\n")
        return web.Response(text="this address speaks WebSocket\n", status=426, headers={"Upgrade": "websocket"})

    async def read(self, request: web.Request) -> tuple[dict[str, str], Webhook]:
        """The fields of a webhook, query and form together, after the proof that it is the carrier's; asked again for
        the same request, the same."""
        known: tuple[dict[str, str], Webhook] | None = request.get(_READ)
        if known is None:
            known = request[_READ] = await self._read(request)
        return known

    async def _read(self, request: web.Request) -> tuple[dict[str, str], Webhook]:
        query, form = (
            request.rel_url.raw_query_string,
            await _form(request, takes_json=self.carrier.document_type == "application/json"),
        )
        try:
            fields = {**first_values(form), **first_values(query)}
            if PROVEN not in request:
                url = f"{self._called_origin(request)}{request.raw_path}"
                self.carrier.verify_webhook(request.method, url, request.headers.items(), all_values(form))
        except SignatureError as error:
            self._calls.complaints.refused(str(error))
            raise web.HTTPForbidden(text="forbidden\n") from None
        except ValueError:
            raise web.HTTPBadRequest(text="there are too many fields\n") from None
        return fields, self._note(fields)

    def _note(self, fields: Mapping[str, str]) -> Webhook:
        """Read a webhook, and let those know who have made its call."""
        webhook = self.carrier.read_webhook(fields)
        self._calls.on_webhook(webhook, fields.get(TAG, ""))
        return webhook

    def agent_for(self, fields: Mapping[str, str], webhook: Webhook) -> str:
        """Who is to answer a call: whom the URL names, or whose number it is; empty where neither says so."""
        return fields.get("agent") or self.carrier.numbers.get(webhook.to_number, "")

    def document(self, text: str) -> web.Response:
        """The answer that holds one of the carrier's documents."""
        return web.Response(text=text, content_type=self.carrier.document_type, charset="utf-8")

    def _called_origin(self, request: web.Request) -> str:
        """The origin that the carrier was told to call."""
        is_fleets = self.fleet_url and request.host == self.fleet_url.partition("://")[2]
        return self.fleet_url if is_fleets else self._origin(request)

    def _origin(self, request: web.Request) -> str:
        return origin_of({name.lower(): value for name, value in request.headers.items()}, self._public_url)


async def read_request(request: web.Request) -> bytes:
    """A request's body; raise the HTTP error for one that does not come."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the request's body did not come\n") from None


async def _form(request: web.Request, *, takes_json: bool) -> str:
    """The body of a form, as it was sent; raise the HTTP error for a body that is none."""
    body = await read_request(request)
    if body and takes_json and request.content_type == "application/json":
        return _form_of(body)
    if body and request.content_type not in ("application/x-www-form-urlencoded", "application/octet-stream"):
        raise web.HTTPUnsupportedMediaType(text="send a form, application/x-www-form-urlencoded\n")
    return body.decode("utf-8", "replace")


def _form_of(document: bytes) -> str:
    try:
        return form_of_json(document)
    except ValueError:
        raise web.HTTPBadRequest(text="the request's body is no JSON object\n") from None
