"""Exotel over HTTP: where its applets are told to stream to, what it tells of calls, and how it proves who it is.

The Voicebot applet is given the address of a stream, or asks us for one and gets it as JSON; then each call has its own
agent. Exotel signs nothing: the address that it is given holds Basic credentials (RFC 7617), which it brings back. The
agent and its body travel in the address' query, and come back there or with the stream's start.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import quote

import orjson

from mediasrv.call.link import INBOUND, OUTBOUND
from mediasrv.carriers.base import Happening, Webhook
from mediasrv.carriers.options import ExotelOptions
from mediasrv.carriers.rest import basic_auth
from mediasrv.carriers.urls import stream_url, with_query
from mediasrv.errors import SignatureError
from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.fields import name_in, reason_from
from mediasrv.wire.numbers import indian
from mediasrv.wire.signature import as_bytes

log = logging.getLogger(__name__)

# Of the custom parameters together.
_QUERY_CHARS = 256

_HAPPENINGS = {
    "ringing": Happening.RINGING,
    "in-progress": Happening.ANSWERED,
    "answered": Happening.ANSWERED,
    "terminal": Happening.ENDED,
    "completed": Happening.ENDED,
    "busy": Happening.ENDED,
    "failed": Happening.ENDED,
    "no-answer": Happening.ENDED,
    "canceled": Happening.ENDED,
}


def read_webhook(fields: Mapping[str, str]) -> Webhook:
    """Read the fields of a webhook, from its form, its JSON or its query."""
    status = fields.get("Status") or fields.get("CallStatus", "")
    event = fields.get("EventType") or status
    direction = fields.get("Direction", "")
    return Webhook(
        happening=_HAPPENINGS.get(status) or _HAPPENINGS.get(event, Happening.OTHER),
        event=event,
        call_id=name_in(fields.get("CallSid", "")),
        request_id=name_in(fields.get("CallSid", "")),
        from_number=indian(fields.get("CallFrom") or fields.get("From", "")),
        to_number=indian(fields.get("CallTo") or fields.get("To", "")),
        direction=INBOUND if direction == "incoming" else OUTBOUND if direction.startswith(OUTBOUND) else "",
        stream_id=fields.get("StreamSid", ""),
        cause=reason_from(status),
        recording_url=fields.get("RecordingUrl", ""),
    )


def with_credentials(url: str, options: ExotelOptions) -> str:
    """An address of ours that Exotel can prove itself at, where proofs are asked for."""
    if not options.verify_signatures:
        return url
    user, password = quote(options.stream_user, safe=""), quote(options.stream_password, safe="")
    return url.replace("://", f"://{user}:{password}@", 1)


class ExotelCarrier:
    """Exotel, with the credentials that it was given."""

    name = "exotel"
    document_type = "application/json"
    keypad = None
    proof = ""
    tells_at_start = True
    # Without an address the applet fails, and the call goes on with the applet that the flow has for this.
    busy = nothing = "{}"

    def __init__(self, options: ExotelOptions) -> None:
        self._options = options
        self.numbers = options.numbers
        self._proof = basic_auth(options.stream_user, options.stream_password)["Authorization"]

    @property
    def verifies(self) -> bool:
        """Whether requests must prove that they come from Exotel."""
        return self._options.verify_signatures

    def protocol(self) -> ExotelProtocol:
        """The wire of a new stream."""
        return ExotelProtocol()

    def answer(self, origin: str, call_id: str, agent: str, body: str, now_s: float, after_url: str = "") -> str:
        """The address of this call's stream; see ``Carrier``."""
        rate_hz = self._options.sample_rate
        query = {"sample-rate": str(rate_hz) if rate_hz != 8000 else "", "agent": agent, "body": body}
        url = self._address(origin, query)
        if len(url.partition("?")[2]) > _QUERY_CHARS:
            log.warning("body is too long for a stream's URL and is left out", extra={"call": call_id})
            url = self._address(origin, query | {"body": ""})
        return orjson.dumps({"url": url}).decode()

    def _address(self, origin: str, query: Mapping[str, str]) -> str:
        return with_credentials(with_query(stream_url(origin, self.name), query), self._options)

    def read_webhook(self, fields: Mapping[str, str]) -> Webhook:
        """Read the fields of a webhook, from its form, its JSON or its query."""
        return read_webhook(fields)

    def verify_webhook(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], form: Mapping[str, Sequence[str]]
    ) -> None:
        """Raise ``SignatureError`` for a request without the credentials, if proofs are asked for."""
        self._check(headers)

    def verify_stream(
        self, url: str, headers: Iterable[tuple[str, str]], call_id: str, token: str, now_s: float
    ) -> None:
        """Raise ``SignatureError`` for an upgrade without them, likewise."""
        self._check(headers)

    def verify_start(self, call_id: str, token: str, now_s: float) -> None:
        """The upgrade has proven everything."""

    def _check(self, headers: Iterable[tuple[str, str]]) -> None:
        if self.verifies:
            offered = [value for name, value in headers if name.lower() == "authorization"]
            matches = [hmac.compare_digest(as_bytes(self._proof), as_bytes(value)) for value in offered]
            if not self._options.stream_password or not any(matches):
                raise SignatureError("the credentials do not match")
