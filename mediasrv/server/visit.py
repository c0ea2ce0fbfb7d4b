"""A visit: what is known of a socket before its stream begins, and what the stream's start adds.

A URL tells which agent is wanted, and with what; where a carrier's URL has no query, ``start`` tells it. Who calls whom
is what the carrier said when it announced the call, unless the stream knows better.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mediasrv.call.link import INBOUND, CallDetails, direction_of
from mediasrv.carriers.base import Carrier
from mediasrv.server.admission import Slot
from mediasrv.server.handover import Party
from mediasrv.server.request import BodyError, read_body
from mediasrv.server.switchboard import Switchboards
from mediasrv.wire.events import StreamStarted

log = logging.getLogger(__name__)

DEFAULT_AGENT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """What a socket's URL said, and the room it was given."""

    carrier: Carrier
    slot: Slot
    agent: str
    body: dict[str, Any] = field(default_factory=dict)
    direction: str = ""
    """Who has called, where the URL says so."""
    origin: str = ""
    """At which the carrier has reached us."""
    proven_call_id: str = ""
    """The call that the stream must turn out to be; empty when no proof was asked for."""

    def told_by(self, started: StreamStarted, now: float) -> Visit:
        """What it is with what the stream's start tells; raise ``SignatureError`` when that is not proven."""
        told = started.headers
        self.carrier.verify_start(started.call_id, told.get("token", ""), now)
        return replace(
            self,
            agent=told.get("agent") or self.agent,
            body=body_of(told, started.call_id) or self.body,
            direction=direction_of(told.get("direction", "")) or self.direction,
        )

    def details(self, started: StreamStarted, carrier: str, switchboards: Switchboards) -> CallDetails:
        """What the call on the stream is told of itself; ``carrier`` is whose stream it turned out to be."""
        party = Party(
            call_id=started.call_id,
            agent=self.agent,
            origin=self.origin,
            body=self.body,
            from_number=started.from_number or self.slot.from_number,
            to_number=started.to_number or self.slot.to_number,
            direction=self.slot.direction or self.direction or INBOUND,
        )
        return CallDetails(
            carrier=carrier,
            from_number=party.from_number,
            to_number=party.to_number,
            body=self.body,
            direction=party.direction,
            control=switchboards.control_of(carrier, party),
            earlier=switchboards.earlier(carrier, started.call_id),
        )


def visit_of(carrier: Carrier, slot: Slot, origin: str, params: Mapping[str, str], call_id: str) -> Visit:
    """By the query of a stream's URL."""
    return Visit(
        carrier=carrier,
        slot=slot,
        origin=origin,
        agent=params.get("agent") or DEFAULT_AGENT,
        body=body_of(params, call_id),
        direction=direction_of(params.get("direction", "")),
        proven_call_id=call_id if carrier.verifies else "",
    )


def body_of(params: Mapping[str, str], call_id: str) -> dict[str, Any]:
    """What the ``body`` parameter holds; nothing where it cannot be read."""
    try:
        return read_body(params.get("body", ""))
    except BodyError as error:
        log.warning("body parameter is left out: %s", error, extra={"call": call_id})
        return {}
