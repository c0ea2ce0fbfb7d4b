"""What may be asked of the dialer, what is wrong with it in a word, and the addresses that a carrier is given."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import orjson

from mediasrv.errors import MediasrvError
from mediasrv.outbound.number import e164
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.order import Order
from mediasrv.outbound.rules import PROMOTIONAL, Plan, Rule

BODY_BYTES = 1000
"""Largest body, as JSON: it travels in the URL of a stream, for which Plivo has 2048 characters."""
TAG = "dial"
"""Key of the query by which a webhook brings back whose call it is about."""
_NAME_CHARS = 100


class DialRefused(MediasrvError):
    """A call is not made; ``rule`` names the rule that forbids it, or the part of the request that is wrong."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(f"{rule}: {reason}")
        self.rule = rule
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class DialRequest:
    """A call that somebody wants."""

    number: str
    """E.164, however it is grouped."""
    agent: str = "default"
    body: Mapping[str, Any] = field(default_factory=dict)
    """Handed to the agent as ``call.body``."""
    purpose: str = "transactional"
    """``promotional``, ``service`` or ``transactional``."""
    zone: str = ""
    """Where the callee lives, such as ``America/New_York``; empty: anywhere in the country of his number."""
    from_number: str = ""
    """Whom he sees calling; empty: as configured for the purpose."""
    campaign: str = ""
    """Within one campaign a number is ordered once."""


def order_of(request: DialRequest, options: OutboundOptions, now_s: float) -> Order:
    """The order for a request; raise ``DialRefused`` for what is none. No rule was asked yet."""
    if not isinstance(request.number, str) or not (number := e164(request.number)):
        raise DialRefused(Rule.NUMBER.value, "expected a number in E.164, such as +912212345678")
    for name in ("agent", "purpose", "zone", "from_number", "campaign"):
        text = getattr(request, name)
        if not isinstance(text, str) or len(text) > _NAME_CHARS or not text.isprintable():
            raise DialRefused(name, f"expected a text of at most {_NAME_CHARS} characters")
    shown = options.promotional_from_number if request.purpose == PROMOTIONAL else options.from_number
    plan = Plan(
        number=number,
        from_number=e164(request.from_number) if request.from_number else e164(shown),
        purpose=request.purpose,
        zone=request.zone,
    )
    return Order(
        id=uuid4().hex,
        plan=plan,
        agent=request.agent,
        body=_json(request.body),
        campaign=request.campaign,
        ordered_s=now_s,
    )


def _json(body: object) -> str:
    if not isinstance(body, Mapping):
        raise DialRefused("body", "expected a JSON object")
    try:
        text = orjson.dumps(dict(body)) if body else b""
    except TypeError:
        raise DialRefused("body", "expected what JSON can hold") from None
    if len(text) > BODY_BYTES:
        raise DialRefused("body", f"expected at most {BODY_BYTES} bytes of JSON, got {len(text)}")
    return text.decode()


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a carrier finds this server."""

    public_url: str
    """Origin without a slash at its end."""
    carrier: str
    """First part of its paths."""

    def answer(self, order: Order, tag: str) -> str:
        """Of the document for a call that was answered."""
        body = urlsafe_b64encode(order.body.encode()).decode() if order.body else ""
        return self._url("answer", {"agent": order.agent, "body": body, TAG: tag})

    def status(self, tag: str) -> str:
        """Where it tells how the call goes."""
        return self._url("callback/status", {TAG: tag})

    def machine(self, tag: str) -> str:
        """Where it tells who has picked up."""
        return self._url("callback/machine", {TAG: tag})

    def _url(self, path: str, query: Mapping[str, str]) -> str:
        given = {name: value for name, value in query.items() if value}
        return f"{self.public_url}/{self.carrier}/{path}?{urlencode(given)}"


def tag_of(order_id: str, serial: int) -> str:
    """What a webhook brings back: which order, and which of its calls."""
    return f"{order_id}.{serial}"


def untagged(tag: str) -> tuple[str, int]:
    """The order and the call that a tag names; an empty name for what is no tag."""
    order_id, _, serial = tag.partition(".")
    return (order_id, int(serial)) if serial.isascii() and serial.isdecimal() and len(serial) < 6 else ("", 0)
