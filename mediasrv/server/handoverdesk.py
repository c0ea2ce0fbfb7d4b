"""The handover desk: what a carrier asks and tells while a call is handed over.

The leg that was rung is briefed, the caller is led to it, and whoever was put through to somebody in vain gets the
document of a new stream, on which his agent goes on with him.
"""

from __future__ import annotations

import logging
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence

import orjson
from aiohttp import web

from mediasrv.call.control import HandoverOutcome
from mediasrv.carriers.base import HandoverDocuments, Happening, Webhook
from mediasrv.errors import RecordsError
from mediasrv.outbound.donotcall import DoNotCall
from mediasrv.outbound.number import e164
from mediasrv.outbound.rules import Listing
from mediasrv.records.records import Records
from mediasrv.server.api.clerk import Means
from mediasrv.server.calls import Calls
from mediasrv.server.handover import Handover
from mediasrv.server.switchboard import Switchboard, nobody_is_barred, nobody_notes
from mediasrv.server.telnyx import TelnyxDesk
from mediasrv.server.webhooks import Webhooks

log = logging.getLogger(__name__)


def handover_desks(calls: Calls, webhooks: Sequence[Webhooks], means: Means | None) -> list[HandoverDesk]:
    """A desk for each carrier that can hand calls over and whose account is known; ``calls`` learn of it."""
    desks = []
    for each in webhooks:
        carrier, control = each.carrier, means.controls.get(each.carrier.name) if means else None
        records, lists = (means.records, means.lists) if means else (None, None)
        screen = Screen(records, lists) if records or lists else nobody_is_barred
        note = records.chronicle.handed_over if records else nobody_notes
        if means is not None and isinstance(each, TelnyxDesk):
            each.may_hand_over(screen, note)
        elif control is not None and isinstance(carrier, HandoverDocuments):
            board = calls.switchboards[carrier.name] = Switchboard(control, calls.spawn, screen, note)
            desks.append(HandoverDesk(calls, each, carrier, board))
    return desks


class Screen:
    """Whoever must not be called is not called to take over either."""

    def __init__(self, records: Records | None, lists: DoNotCall | None = None) -> None:
        self._records = records
        self._lists = lists

    async def __call__(self, address: str) -> str:
        """Why somebody must not be called; records and lists that cannot be read say so of everybody."""
        number = e164(address)
        try:
            if self._records is not None and await self._records.suppressions.holds(number or address):
                return "suppression"
        except RecordsError as error:
            log.error("nobody can be asked whether a number is suppressed", extra={"error": str(error)})
            return "no records"
        if self._lists is not None and number:
            return "" if await self._lists.ask(number) in (Listing.CLEAR, Listing.NO_LIST) else "do-not-call list"
        return ""


class HandoverDesk:
    """One carrier's."""

    def __init__(self, calls: Calls, webhooks: Webhooks, documents: HandoverDocuments, board: Switchboard) -> None:
        """``webhooks`` read and prove the carrier's requests."""
        self._calls = calls
        self._webhooks = webhooks
        self._carrier = webhooks.carrier
        self._documents = documents
        self._board = board
        self._path = f"/{webhooks.carrier.name}"

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path."""
        return (
            web.post(f"{self._path}/callback/transfer", self._transfer),
            web.post(f"{self._path}/dial-up", self._dial_up),
        )

    async def _transfer(self, request: web.Request) -> web.Response:
        """A document for one of the two legs."""
        fields, webhook = await self._webhooks.read(request)
        handover, part = self._board.standing.named(fields.get("handover", "")), fields.get("part", "")
        if handover is None or webhook.happening is Happening.ENDED:
            # Nothing is left to be done for a call that nobody knows, or that is over.
            return self._webhooks.document(self._documents.hang_up)
        if part in ("brief", "briefed") and webhook.call_id:
            handover.callee_id = webhook.call_id
        return self._webhooks.document(self._document(handover, part))

    def _document(self, handover: Handover, part: str) -> str:
        order = handover.order
        if part == "brief" and not handover.outcome.done():
            then = handover.url(f"{self._path}/callback/transfer", part="briefed")
            return self._documents.brief(order.briefing, then)
        if part == "briefed" and not handover.outcome.done():
            handover.settle(HandoverOutcome.CONNECTED)
            return self._documents.room(handover.name)
        if part == "room":
            handover.is_fetched.set()
            return self._documents.room(handover.name)
        if part == "dial":
            handover.is_fetched.set()
            caller_id = order.caller_id or handover.party.our_number
            action = handover.url(f"{self._path}/dial-up")
            return self._documents.dial(order.to, caller_id=caller_id, timeout_s=order.timeout_s, action_url=action)
        return self._documents.hang_up

    async def _dial_up(self, request: web.Request) -> web.Response:
        """What became of the other leg; whoever was put through to it in vain comes back to his agent."""
        fields, webhook = await self._webhooks.read(request)
        handover = self._board.standing.named(fields.get("handover", ""))
        if handover is None:
            return self._webhooks.document(self._documents.hang_up)
        if handover.order.briefing:
            self._note(handover, fields, webhook)
            return self._webhooks.document(self._carrier.nothing)
        outcome = self._documents.read_outcome(fields)
        self._board.note(handover, outcome)
        self._board.standing.forget(handover)
        if webhook.happening is Happening.ENDED or outcome is HandoverOutcome.CONNECTED:
            return self._webhooks.document(self._documents.hang_up)
        return self._webhooks.document(self._come_back(handover, outcome))

    def _note(self, handover: Handover, fields: Mapping[str, str], webhook: Webhook) -> None:
        """A word about the leg that is to be briefed."""
        if webhook.happening is Happening.ENDED:
            outcome = self._documents.read_outcome(fields)
            # Who hangs up before he has heard all of it does not want to talk.
            handover.settle(HandoverOutcome.REJECTED if outcome is HandoverOutcome.CONNECTED else outcome)
        elif webhook.happening is Happening.MACHINE and webhook.machine:
            handover.settle(HandoverOutcome.NO_ANSWER)

    def _come_back(self, handover: Handover, outcome: HandoverOutcome) -> str:
        """The document of a new stream."""
        party = handover.party
        log.info("caller comes back", extra={"call": party.call_id, "outcome": outcome.value})
        self._calls.expect_back(party.call_id, party.from_number, party.to_number, party.direction)
        self._calls.prepare(party.agent)
        self._board.comes_back(handover, outcome)
        body = urlsafe_b64encode(orjson.dumps(party.body, default=str)).decode() if party.body else ""
        return self._webhooks.stream(party.origin, party.call_id, party.agent, body)
