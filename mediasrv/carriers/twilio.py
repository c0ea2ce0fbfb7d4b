"""Twilio over HTTP: the documents we answer with, the webhooks we read, and the proofs we ask for.

``<Connect><Stream>`` in the answer makes Twilio open a WebSocket to us, to a URL without a query: the agent, its body
and the call's token travel as ``<Parameter>`` and come back with the stream's start. The signature of the upgrade
tells that it is Twilio's, the token for which call.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from mediasrv.call.control import HandoverOutcome
from mediasrv.call.link import INBOUND, OUTBOUND
from mediasrv.carriers.base import Happening, Webhook
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.twiml import apology, brief, connect, dial, element, redirect, response, room
from mediasrv.carriers.urls import stream_url
from mediasrv.wire.fields import count_from, name_in, reason_from
from mediasrv.wire.signature import check_stream_token, stream_token
from mediasrv.wire.twilio import TwilioProtocol
from mediasrv.wire.twilio_signature import verify_twilio

log = logging.getLogger(__name__)

TOKEN_S = 120
"""Life of a stream token: Twilio connects within seconds."""
# The name and the value of a parameter together, as is commonly quoted.
_PARAMETER_CHARS = 500

_OF_CALLS = {
    "ringing": Happening.RINGING,
    "in-progress": Happening.ANSWERED,
    "completed": Happening.ENDED,
    "busy": Happening.ENDED,
    "failed": Happening.ENDED,
    "no-answer": Happening.ENDED,
    "canceled": Happening.ENDED,
}
_OUTCOMES = {
    "completed": HandoverOutcome.CONNECTED,
    "answered": HandoverOutcome.CONNECTED,
    "busy": HandoverOutcome.BUSY,
    "no-answer": HandoverOutcome.NO_ANSWER,
    "canceled": HandoverOutcome.NO_ANSWER,
}
_OF_STREAMS = {
    "stream-started": Happening.STREAM_STARTED,
    "stream-stopped": Happening.STREAM_ENDED,
    "stream-error": Happening.STREAM_ENDED,
}


def read_webhook(fields: Mapping[str, str]) -> Webhook:
    """Read the fields of a webhook, from its form or its query."""
    status, stream_event = fields.get("CallStatus", ""), fields.get("StreamEvent", "")
    answered_by = fields.get("AnsweredBy", "")
    return Webhook(
        happening=_happening(fields, status, stream_event),
        event=stream_event or fields.get("RecordingStatus", "") or status,
        call_id=name_in(fields.get("CallSid", "")),
        request_id=name_in(fields.get("CallSid", "")),
        from_number=fields.get("From", "").strip(),
        to_number=fields.get("To", "").strip(),
        direction=_direction(fields.get("Direction", "")),
        stream_id=fields.get("StreamSid", ""),
        cause=reason_from(fields.get("StreamError") or status),
        machine=None if answered_by in ("", "unknown") else answered_by != "human",
        recording_id=name_in(fields.get("RecordingSid", "")),
        recording_url=fields.get("RecordingUrl", ""),
        recording_ms=1000 * (count_from(fields.get("RecordingDuration")) or 0),
    )


def _happening(fields: Mapping[str, str], status: str, stream_event: str) -> Happening:
    if stream_event:
        return _OF_STREAMS.get(stream_event, Happening.OTHER)
    if "RecordingSid" in fields:
        return Happening.RECORDED if fields.get("RecordingStatus") == "completed" else Happening.OTHER
    happening = _OF_CALLS.get(status, Happening.OTHER)
    # Of a call that is up, and of one that is over, who has answered is no news of its own.
    is_about_machine = "AnsweredBy" in fields and "MachineDetectionDuration" in fields
    return Happening.MACHINE if is_about_machine and happening is not Happening.ENDED else happening


def _direction(word: str) -> str:
    if word.startswith(OUTBOUND):
        return OUTBOUND
    return INBOUND if word == INBOUND else ""


class TwilioCarrier:
    """Twilio, with one account's secret."""

    name = "twilio"
    document_type = "text/xml"
    keypad = None
    proof = "x-twilio-signature"
    tells_at_start = True

    def __init__(self, options: TwilioOptions) -> None:
        self._options = options
        self.numbers = options.numbers
        self._secret = options.auth_token.encode()
        self.busy = apology(options.busy_message)
        self.failure = apology(options.failure_message)
        self.nothing = response()
        self.hang_up = response(element("Hangup"))

    @property
    def verifies(self) -> bool:
        """Whether requests must prove that they come from Twilio."""
        return self._options.verify_signatures

    def protocol(self) -> TwilioProtocol:
        """The wire of a new stream."""
        return TwilioProtocol()

    def answer(self, origin: str, call_id: str, agent: str, body: str, now_s: float, after_url: str = "") -> str:
        """The document that makes Twilio open a stream for this call; see ``Carrier``."""
        parameters = {"agent": agent, "body": body}
        if len(body) + len("body") > _PARAMETER_CHARS:
            log.warning("body is too long for a parameter and is left out", extra={"call": call_id})
            del parameters["body"]
        if self.verifies:
            parameters["token"] = stream_token(self._secret, call_id, int(now_s) + TOKEN_S)
        return connect(stream_url(origin, self.name), parameters, f"{origin}/{self.name}/callback/status", after_url)

    def dial(self, to: str, *, caller_id: str = "", timeout_s: int = 30, action_url: str = "") -> str:
        """Ring a number or a SIP address, let both talk, then go on with the document at ``action_url``, or end."""
        return dial(to, caller_id, timeout_s, action_url)

    def go_on(self, url: str) -> str:
        """Go on with the document at a URL."""
        return response(redirect(url))

    def brief(self, words: str, then_url: str) -> str:
        """Say something to who has answered, then go on with the document at ``then_url``."""
        return brief(words, then_url)

    def room(self, name: str) -> str:
        """Join who else is in a room of this name; whoever leaves it ends it."""
        return room(name)

    def read_outcome(self, fields: Mapping[str, str]) -> HandoverOutcome:
        """What became of a leg, by the fields of a ``<Dial>``'s action or of a call's status."""
        return _OUTCOMES.get(fields.get("DialCallStatus") or fields.get("CallStatus", ""), HandoverOutcome.FAILED)

    def read_webhook(self, fields: Mapping[str, str]) -> Webhook:
        """Read the fields of a webhook, from its form or its query."""
        return read_webhook(fields)

    def verify_webhook(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], form: Mapping[str, Sequence[str]]
    ) -> None:
        """Raise ``SignatureError`` for a request that Twilio did not sign, if signatures are asked for."""
        if self.verifies:
            reading = verify_twilio(self._options.auth_token, url, headers, form)
            log.debug("webhook is signed", extra={"reading": reading})

    def verify_stream(
        self, url: str, headers: Iterable[tuple[str, str]], call_id: str, token: str, now_s: float
    ) -> None:
        """Raise ``SignatureError`` for an upgrade that Twilio did not sign, likewise."""
        if self.verifies:
            reading = verify_twilio(self._options.auth_token, url, headers, upgrade=True)
            log.debug("upgrade is signed", extra={"reading": reading})

    def verify_start(self, call_id: str, token: str, now_s: float) -> None:
        """Raise ``SignatureError`` for a stream that brings no token for its call, likewise."""
        if self.verifies:
            check_stream_token(self._secret, token, call_id, now_s)
