"""Telnyx over HTTP: the webhooks we read, the stream that we ask for, and the proofs we ask for.

Telnyx fetches no documents: it tells of a call, and is told by commands of its REST API what to do with it. What opens
a stream is such a command's body, so that is the document here. The stream's token travels in a header of its upgrade.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from mediasrv.call.link import INBOUND, OUTBOUND
from mediasrv.carriers.base import Happening, Webhook
from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.telnyx_rest import TelnyxControl
from mediasrv.carriers.urls import stream_url, with_query
from mediasrv.errors import SignatureError
from mediasrv.wire.fields import name_in, reason_from
from mediasrv.wire.signature import check_stream_token, stream_token
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.telnyx_signature import read_public_key, verify_telnyx

log = logging.getLogger(__name__)

TOKEN_S = 120
"""Life of a stream token: Telnyx connects within seconds."""
TOKEN_HEADER = "x-telnyx-streaming-auth-token"

_HAPPENINGS = {
    "call.initiated": Happening.RINGING,
    "call.answered": Happening.ANSWERED,
    "call.hangup": Happening.ENDED,
    "streaming.started": Happening.STREAM_STARTED,
    "streaming.stopped": Happening.STREAM_ENDED,
    "streaming.failed": Happening.STREAM_ENDED,
    "call.machine.detection.ended": Happening.MACHINE,
    "call.machine.premium.detection.ended": Happening.MACHINE,
    "call.recording.saved": Happening.RECORDED,
}
_MACHINE = {"human": False, "human_residence": False, "human_business": False, "machine": True, "fax_detected": True}
_DIRECTIONS = {"incoming": INBOUND, "outgoing": OUTBOUND}
_RATES_HZ = {"PCMU": 8000, "PCMA": 8000, "L16": 16_000}


def fields_of(document: Any) -> dict[str, str]:
    """The fields of a webhook's JSON that are texts, its event and its own name among them."""
    data = document.get("data") if isinstance(document, dict) else None
    payload = data.get("payload") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(payload, dict):
        return {}
    urls = payload.get("recording_urls")
    written = {**(urls if isinstance(urls, dict) else {}), **payload}
    fields = {name: value for name, value in written.items() if isinstance(value, str)}
    for name in ("event_type", "id"):
        fields[name] = data[name] if isinstance(data.get(name), str) else ""
    return fields


def read_webhook(fields: Mapping[str, str]) -> Webhook:
    """Read a webhook from its ``fields_of``."""
    event = fields.get("event_type", "")
    return Webhook(
        happening=_HAPPENINGS.get(event, Happening.OTHER),
        event=event,
        call_id=name_in(fields.get("call_control_id", "")),
        request_id=name_in(fields.get("call_control_id", "")),
        from_number=fields.get("from", ""),
        to_number=fields.get("to", ""),
        direction=_DIRECTIONS.get(fields.get("direction", ""), ""),
        stream_id=fields.get("stream_id", ""),
        cause=reason_from(fields.get("hangup_cause") or fields.get("failure_reason")),
        machine=_MACHINE.get(fields.get("result", "")),
        recording_id=name_in(fields.get("recording_id", "")),
        recording_url=fields.get("wav") or fields.get("mp3", ""),
        recording_ms=_ms_between(fields.get("recording_started_at", ""), fields.get("recording_ended_at", "")),
    )


def _ms_between(begin: str, end: str) -> int:
    """Between two times in ISO 8601; 0 where one is missing, or none."""
    try:
        return max(0, round((datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds() * 1000))
    except (ValueError, TypeError):  # one may know its zone, and the other not
        return 0


class TelnyxCarrier:
    """Telnyx, with one account's secrets."""

    name = "telnyx"
    document_type = "application/json"
    # It signs each delivery anew; what it tells has a name of its own.
    proof = ""
    tells_at_start = False
    busy = nothing = "{}"

    def __init__(self, options: TelnyxOptions) -> None:
        """Raise ``ConfigError`` where webhooks must be signed and there is no key to check them with."""
        self._options = options
        self.numbers = options.numbers
        self._secret = options.api_key.encode()
        self.control = TelnyxControl(options) if options.api_key else None
        """By which calls are answered and streams opened, where the account is known; for its user to close."""
        self.voice, self.language = options.voice, options.language
        self._public_key = read_public_key(options.public_key) if options.verify_signatures else b""

    @property
    def verifies(self) -> bool:
        """Whether requests must prove that they come from Telnyx."""
        return self._options.verify_signatures

    @property
    def keypad(self) -> TelnyxControl | None:
        """What presses keys: the API, where the account is known."""
        return self.control

    def protocol(self) -> TelnyxProtocol:
        """The wire of a new stream."""
        return TelnyxProtocol()

    def answer(self, origin: str, call_id: str, agent: str, body: str, now_s: float, after_url: str = "") -> str:
        """The body of the command that opens a stream for this call; see ``Carrier``."""
        codec = self._options.codec
        command = {
            "stream_url": with_query(stream_url(origin, self.name), {"call": call_id, "agent": agent, "body": body}),
            "stream_track": "inbound_track",
            # Without this mode our audio is dropped without a word.
            "stream_bidirectional_mode": "rtp",
            "stream_bidirectional_codec": codec,
            "stream_bidirectional_sampling_rate": _RATES_HZ[codec],
            "stream_codec": codec,
        }
        if self.verifies:
            command["stream_auth_token"] = stream_token(self._secret, call_id, int(now_s) + TOKEN_S)
        return orjson.dumps(command).decode()

    def read_webhook(self, fields: Mapping[str, str]) -> Webhook:
        """Read a webhook from its ``fields_of``."""
        return read_webhook(fields)

    def verify_body(self, headers: Iterable[tuple[str, str]], body: bytes, now_s: float) -> None:
        """Raise ``SignatureError`` for a webhook that Telnyx did not sign a moment ago, if signatures are asked for."""
        if self.verifies:
            verify_telnyx(self._public_key, headers, body, now_s)

    def verify_webhook(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], form: Mapping[str, Sequence[str]]
    ) -> None:
        """Raise ``SignatureError``, likewise: a form is not what Telnyx sends."""
        self.verify_body(headers, b"", time.time())

    def verify_stream(
        self, url: str, headers: Iterable[tuple[str, str]], call_id: str, token: str, now_s: float
    ) -> None:
        """Raise ``SignatureError`` for an upgrade whose header brings no token for its call, likewise."""
        if self.verifies:
            if not call_id:
                raise SignatureError("the stream's URL names no call")
            brought = {name.lower(): value for name, value in headers}.get(TOKEN_HEADER, "")
            check_stream_token(self._secret, brought, call_id, now_s)

    def verify_start(self, call_id: str, token: str, now_s: float) -> None:
        """The upgrade has proven everything."""
