"""Telnyx's webhooks: it tells, in JSON, and does what it is told by commands.

    call.initiated ─► answer, or reject where there is no room
    call.answered  ─► streaming_start ─► its WebSocket, and hangup when that is over
    another leg    ─► whoever is handing a caller over to it
    all else       ─► as other carriers' webhooks

A webhook is answered at once and its command follows, for Telnyx waits for no document. A webhook that comes twice is
heard once; where another server of a fleet hears it again, that makes the same command, which has the webhook's name
and is therefore obeyed once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

import orjson
from aiohttp import web

from mediasrv.call.link import INBOUND
from mediasrv.carriers.base import Carrier, Happening, Webhook
from mediasrv.carriers.nonces import Nonces
from mediasrv.carriers.telnyx import TelnyxCarrier, fields_of
from mediasrv.carriers.telnyx_rest import client_state, read_client_state
from mediasrv.errors import CarrierError, SignatureError
from mediasrv.server.calls import Calls
from mediasrv.server.request import first_values
from mediasrv.server.switchboard import Note, Screen
from mediasrv.server.telnyxboard import TelnyxSwitchboard
from mediasrv.server.visit import DEFAULT_AGENT
from mediasrv.server.webhooks import NO_ROOM, PROVEN, Webhooks, read_request

log = logging.getLogger(__name__)


def webhooks_of(calls: Calls, carrier: Carrier, public_url: str) -> Webhooks:
    """What serves a carrier's webhooks."""
    kind = TelnyxDesk if isinstance(carrier, TelnyxCarrier) else Webhooks
    return kind(calls, carrier, public_url)


class TelnyxDesk(Webhooks):
    """Telnyx's requests."""

    def __init__(self, calls: Calls, carrier: Carrier, public_url: str) -> None:
        super().__init__(calls, carrier, public_url)
        assert isinstance(carrier, TelnyxCarrier)
        self._telnyx = carrier
        self._control = carrier.control
        self._heard = Nonces()
        self._board: TelnyxSwitchboard | None = None
        self._ours: set[str] = set()
        calls.on_left = self._left

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path; a call that we place may name the other ones."""
        paths = ("webhook", "answer", "callback/status", "callback/machine")
        return (*(web.post(f"/telnyx/{path}", self._hear) for path in paths), web.get("/telnyx/stream", self._stream))

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        if self._control is not None:
            await self._control.aclose()

    def may_hand_over(self, screen: Screen, note: Note) -> None:
        """Calls may be handed over, to nobody whom ``screen`` bars; ``note`` is told of it."""
        if self._control is not None:
            voice, language = self._telnyx.voice, self._telnyx.language
            self._board = TelnyxSwitchboard(
                self._control, self._calls.spawn, screen, note, voice=voice, language=language
            )
            self._calls.switchboards[self.carrier.name] = self._board

    def subject(self, fields: Mapping[str, str], webhook: Webhook) -> str:
        """See ``Webhooks``; what is told where the account's webhooks go names the call in its state alone."""
        return read_client_state(fields.get("client_state", "")).get("call", "") or super().subject(fields, webhook)

    def asks_for_room(self, path: str, webhook: Webhook) -> bool:
        """See ``Webhooks``: the word of a call that somebody makes."""
        is_incoming = webhook.happening is Happening.RINGING and webhook.direction == INBOUND
        return is_incoming and self._control is not None

    def turn_away(self, fields: Mapping[str, str], webhook: Webhook) -> None:
        """Have a call rejected."""
        if self._control is not None:
            name = f"{fields['id']}.reject"
            self._command("reject", webhook.call_id, partial(self._control.reject, webhook.call_id, name))

    def _left(self, call_id: str) -> None:
        """Telnyx keeps a call up whose stream is over: end it, unless somebody else has the caller."""
        is_ours = call_id in self._ours
        self._ours.discard(call_id)
        is_elsewhere = self._board is not None and self._board.has_handed_over(call_id)
        if is_ours and self._control is not None and not is_elsewhere and not self._calls.bygones.has_ended(call_id):
            self._command("hangup", call_id, partial(self._control.hang_up, call_id))

    def _is_of_another_leg(self, fields: dict[str, str], webhook: Webhook) -> bool:
        """Whether a word is about somebody to whom a caller is handed over; it is heard there."""
        name = fields.get("handover") or read_client_state(fields.get("client_state", "")).get("handover", "")
        if not name:
            return False
        handover = self._board.standing.named(name) if self._board is not None else None
        if self._board is None or handover is None:
            return webhook.call_id != fields.get("call")
        return self._board.hear(handover, fields, webhook)

    async def _hear(self, request: web.Request) -> web.Response:
        fields, webhook = await self.read(request)
        if self._is_of_another_leg(fields, webhook):
            return web.Response(text="ok\n")
        is_incoming = webhook.happening is Happening.RINGING and webhook.direction == INBOUND
        if is_incoming:
            self._take_call(request, fields, webhook)
        elif webhook.happening is Happening.ANSWERED:
            self._open_stream(fields, webhook, self._origin(request))
        self._take(webhook)
        return web.Response(text="ok\n")

    def _take_call(self, request: web.Request, fields: dict[str, str], webhook: Webhook) -> None:
        """Have a call answered that somebody makes, or turned away."""
        call_id, agent = webhook.call_id, self.agent_for(fields, webhook)
        if self._control is None or self._calls.bygones.has_ended(call_id):
            return
        if (agent or DEFAULT_AGENT) not in self._calls.agency.names:
            self._calls.complaints.refused("there is no such agent", call_id)
            self.turn_away(fields, webhook)
            return
        if not self._calls.expect(call_id, webhook.from_number, webhook.to_number, INBOUND):
            self._calls.complaints.refused(self._calls.refusal or "full", call_id)
            request[NO_ROOM] = True
            if not self.fleet_url:
                self.turn_away(fields, webhook)
            return
        self._calls.prepare(agent or DEFAULT_AGENT)
        state = client_state(agent, fields.get("body", ""), INBOUND)
        self._command("answer", call_id, partial(self._control.answer, call_id, state, f"{fields['id']}.answer"))

    def _open_stream(self, fields: dict[str, str], webhook: Webhook, origin: str) -> None:
        """Have the stream opened of a call that is up, ours or somebody's."""
        call_id, known = webhook.call_id, read_client_state(fields.get("client_state", ""))
        if self._control is None or self._calls.bygones.has_ended(call_id) or not known:
            # Without our state it is no call of ours: another leg, to which somebody is put through.
            return
        direction = known.get("direction", "")
        if not self._calls.expect(call_id, webhook.from_number, webhook.to_number, direction):
            self._calls.complaints.refused(self._calls.refusal, call_id)
            self._command("hangup", call_id, partial(self._control.hang_up, call_id))
            return
        agent, body = (fields.get(name) or known.get(name, "") for name in ("agent", "body"))
        stream = orjson.loads(self._telnyx.answer(origin, call_id, agent, body, time.time()))
        log.info("call answered", extra={"call": call_id, "agent": agent or DEFAULT_AGENT})
        self._ours.add(call_id)
        self._command("stream", call_id, partial(self._control.start_stream, call_id, stream, f"{fields['id']}.stream"))

    def _command(self, name: str, call_id: str, give: Callable[[], Awaitable[None]]) -> None:
        async def obey() -> None:
            try:
                await give()
            except CarrierError as error:
                log.error("command failed", extra={"call": call_id, "command": name, "error": str(error)})

        self._calls.spawn(obey())

    async def _read(self, request: web.Request) -> tuple[dict[str, str], Webhook]:
        """The fields of a webhook and of its query, after the proof that it is Telnyx's."""
        body = await read_request(request)
        try:
            if PROVEN not in request:
                self._telnyx.verify_body(request.headers.items(), body, time.time())
            told = fields_of(orjson.loads(body))
            fields = {**told, **first_values(request.rel_url.raw_query_string)}
        except SignatureError as error:
            self._calls.complaints.refused(str(error))
            raise web.HTTPForbidden(text="forbidden\n") from None
        except ValueError:
            raise web.HTTPBadRequest(text="the request's body is no JSON\n") from None
        name = told.get("id", "")
        if name and not self._heard.is_new(name, time.monotonic()):
            log.info("webhook came again", extra={"path": request.path})
            return {}, Webhook()
        return fields, self._note(fields)
