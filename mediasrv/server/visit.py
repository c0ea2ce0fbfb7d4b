"""A visit: what is known of a socket before its stream begins."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mediasrv.call.link import direction_of
from mediasrv.carriers.base import Carrier
from mediasrv.server.admission import Slot
from mediasrv.server.request import BodyError, read_body

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
