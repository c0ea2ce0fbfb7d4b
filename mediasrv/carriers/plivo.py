"""Plivo over HTTP: the documents we answer with, the webhooks we read, and the proofs we ask for.

Plivo fetches the answer document when a call is answered; ``<Stream>`` in it makes Plivo open a WebSocket to us, and
``keepCallAlive`` keeps the call up for as long as that lives. Where no hangup URL is set Plivo fetches the answer
document again when the call is over: that gets an empty document, or it would open a second stream.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Iterable, Mapping, Sequence

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.control import HandoverOutcome
from mediasrv.call.link import direction_of
from mediasrv.carriers import plivo_documents as documents
from mediasrv.carriers.base import Happening, Webhook
from mediasrv.carriers.nonces import Nonces
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_documents import Dial
from mediasrv.carriers.urls import stream_url, with_query
from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.fields import count_from, name_in, reason_from
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.plivo import PLIVO_FORMATS, PlivoProtocol
from mediasrv.wire.signature import check_stream_token, nonce_in, stream_token, verify

log = logging.getLogger(__name__)

STREAM_PATH = "/plivo/stream"
STATUS_PATH = "/plivo/callback/status"

TOKEN_S = 120
"""Life of a stream token: Plivo connects within seconds, and tries twice more."""
# Plivo's limit for the URL of a stream.
_URL_CHARS = 2048

_ENDED = frozenset({"completed", "busy", "failed", "timeout", "no-answer", "cancel"})
_OF_CALLS = {
    "startapp": Happening.ANSWERED,
    "ring": Happening.RINGING,
    "machinedetection": Happening.MACHINE,
}
# Two naming schemes are documented; both are in use.
_OF_STREAMS = {
    "startstream": Happening.STREAM_STARTED,
    "started": Happening.STREAM_STARTED,
    "stopstream": Happening.STREAM_ENDED,
    "stopped": Happening.STREAM_ENDED,
    "droppedstream": Happening.STREAM_ENDED,
    "failed": Happening.STREAM_ENDED,
}
_OUTCOMES = {
    "completed": HandoverOutcome.CONNECTED,
    "busy": HandoverOutcome.BUSY,
    "no-answer": HandoverOutcome.NO_ANSWER,
    "timeout": HandoverOutcome.NO_ANSWER,
    "cancel": HandoverOutcome.NO_ANSWER,
}
_MACHINE = {"true": True, "false": False}


def read_webhook(fields: Mapping[str, str]) -> Webhook:
    """Read the fields of a webhook, from its form or its query."""
    event, stream_id = fields.get("Event", ""), fields.get("StreamID", "")
    return Webhook(
        happening=_happening(fields, event.lower(), bool(stream_id)),
        event=event,
        call_id=name_in(fields.get("CallUUID") or fields.get("call_uuid", "")),
        request_id=name_in(fields.get("RequestUUID", "")),
        from_number=_e164(fields.get("From", "")),
        to_number=_e164(fields.get("To", "")),
        direction=direction_of(fields.get("Direction", "")),
        stream_id=stream_id,
        cause=reason_from(fields.get("HangupCauseName") or fields.get("HangupCause")),
        machine=_MACHINE.get(fields.get("Machine", "").lower()),
        recording_id=name_in(fields.get("recording_id") or fields.get("RecordingID", "")),
        recording_url=fields.get("record_url") or fields.get("RecordUrl", ""),
        recording_ms=count_from(fields.get("recording_duration_ms") or fields.get("RecordingDurationMs")) or 0,
    )


def _happening(fields: Mapping[str, str], event: str, is_stream: bool) -> Happening:
    if "record_url" in fields or "RecordUrl" in fields:
        return Happening.RECORDED
    if event == "hangup" or fields.get("CallStatus", "") in _ENDED:
        return Happening.ENDED
    if is_stream:
        return _OF_STREAMS.get(event, Happening.OTHER)
    return _OF_CALLS.get(event, Happening.OTHER)


class PlivoCarrier:
    """Plivo, with one account's secret."""

    name = "plivo"
    document_type = "application/xml"
    keypad = None
    proof = "x-plivo-signature"
    tells_at_start = False

    def __init__(self, options: PlivoOptions) -> None:
        """Raise ``ConfigError`` for a message that XML cannot hold, or a stream that Plivo would not give."""
        documents.check(options)
        self._options = options
        self.numbers = options.numbers
        self._nonces = Nonces()
        self._secret = options.auth_token.encode()
        self._format = read_media_format({"encoding": options.content_type}, MULAW_8K, PLIVO_FORMATS)
        self.busy = _spoken(options, "busy_message")
        self.failure = _spoken(options, "failure_message")
        self.nothing = documents.nothing()
        self.hang_up = documents.hang_up()
        if options.overflow:
            self.busy = documents.dial(Dial(to=options.overflow))
        if options.verify_signatures and not options.auth_token:
            log.warning("no call can come in: set plivo.auth_token_env, or plivo.verify_signatures = false for tests")

    @property
    def verifies(self) -> bool:
        """Whether requests must prove that they come from Plivo."""
        return self._options.verify_signatures

    def protocol(self) -> PlivoProtocol:
        """The wire of a new stream."""
        return PlivoProtocol(self._format)

    def answer(self, origin: str, call_id: str, agent: str, body: str, now_s: float, after_url: str = "") -> str:
        """The document that makes Plivo open a stream for this call to our ``origin``, an http or https URL.

        ``now_s`` is in seconds since the epoch; ``agent`` and ``body`` travel in the URL when they are not empty. Of
        what Plivo does with elements behind a stream its pages say three things, by all of which a caller whose
        stream broke is asked for at ``after_url``, or hung up on as he would be without it.
        """
        query = {"call": call_id, "agent": agent, "body": body}
        if self.verifies:
            query["token"] = stream_token(self._secret, call_id, int(now_s) + TOKEN_S)
        url = with_query(stream_url(origin, self.name), query)
        if len(url) > _URL_CHARS:
            log.warning("body is too long for a stream's URL and is left out", extra={"call": call_id})
            url = with_query(stream_url(origin, self.name), {**query, "body": ""})
        return documents.stream(url, self._options, f"{origin}{STATUS_PATH}", after_url)

    def dial(self, to: str, *, caller_id: str = "", timeout_s: int = 30, action_url: str = "") -> str:
        """Ring a number or a SIP address, let both talk, then go on with the document at ``action_url``, or end."""
        return documents.dial(Dial(to=to, caller_id=caller_id, timeout_s=timeout_s, action_url=action_url))

    def go_on(self, url: str) -> str:
        """Go on with the document at a URL."""
        return documents.go_on(url)

    def brief(self, words: str, then_url: str) -> str:
        """Say something to who has answered, then go on with the document at ``then_url``."""
        return documents.brief(words, then_url, self._options.voice, self._options.language)

    def room(self, name: str) -> str:
        """Join who else is in a room of this name; whoever leaves it ends it."""
        return documents.room(name)

    def read_outcome(self, fields: Mapping[str, str]) -> HandoverOutcome:
        """What became of a leg, by the fields of a ``<Dial>``'s action or of a hangup."""
        cause = fields.get("DialHangupCause") or fields.get("HangupCause", "")
        if cause == "CALL_REJECTED":
            return HandoverOutcome.REJECTED
        return _OUTCOMES.get(fields.get("DialStatus") or fields.get("CallStatus", ""), HandoverOutcome.FAILED)

    def read_webhook(self, fields: Mapping[str, str]) -> Webhook:
        """Read the fields of a webhook, from its form or its query."""
        return read_webhook(fields)

    def verify_webhook(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], form: Mapping[str, Sequence[str]]
    ) -> None:
        """Raise ``SignatureError`` for a request that Plivo did not sign, if signatures are asked for."""
        if self.verifies:
            given = list(headers)
            reading = verify(self._options.auth_token, method, url, given, form)
            if not self._nonces.is_new(nonce_in(given), time.monotonic()):
                raise SignatureError("the request was made before")
            log.debug("webhook is signed", extra={"reading": reading})

    def verify_stream(
        self, url: str, headers: Iterable[tuple[str, str]], call_id: str, token: str, now_s: float
    ) -> None:
        """Raise ``SignatureError`` for an upgrade that is not signed or brings no token for its call, likewise."""
        if self.verifies:
            if not call_id:
                raise SignatureError("the stream's URL names no call")
            check_stream_token(self._secret, token, call_id, now_s)
            reading = verify(self._options.auth_token, "GET", url, headers, upgrade=True)
            log.debug("upgrade is signed", extra={"call": call_id, "reading": reading})

    def verify_start(self, call_id: str, token: str, now_s: float) -> None:
        """The URL has proven everything."""


def _spoken(options: PlivoOptions, key: str) -> str:
    """The document for an operator's message."""
    try:
        return documents.speak_and_hang_up(getattr(options, key), options.voice, options.language)
    except ValueError as error:
        raise ConfigError(f"plivo.{key} cannot be spoken: {error}") from None


def _e164(number: str) -> str:
    """Plivo leaves out the plus sign, or a form has turned it into a space; SIP addresses stay as they are."""
    number = number.strip()
    return f"+{number}" if re.fullmatch(r"[1-9][0-9]{6,14}", number) else number
