"""What the rest of the server knows of a carrier: its documents and webhooks, and what its REST API does to a call.

A carrier has three sides. Its wire (``wire/``) is the WebSocket that a call's audio walks on. ``Carrier`` is what it
fetches from us and tells us over HTTP. ``Control`` is what we ask of it over HTTP.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, runtime_checkable

from mediasrv.call.control import HandoverOutcome
from mediasrv.wire.protocol import CarrierProtocol


class Happening(Enum):
    """What a webhook is about, whatever the carrier calls it."""

    ANSWERED = "answered"
    """The call is up, and the carrier asks for its document."""
    RINGING = "ringing"
    ENDED = "ended"
    STREAM_STARTED = "stream started"
    STREAM_ENDED = "stream ended"
    MACHINE = "machine"
    """Who has answered: a person, or a machine."""
    RECORDED = "recorded"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """What a carrier told us over HTTP."""

    happening: Happening = Happening.OTHER
    event: str = ""
    """The carrier's own word."""
    call_id: str = ""
    """The carrier's name for the call; empty in requests that are not the carrier's."""
    request_id: str = ""
    """The carrier's name for the request that placed the call, where it has one of its own."""
    from_number: str = ""
    """In E.164 where it is a number."""
    to_number: str = ""
    direction: str = ""
    """``inbound`` or ``outbound``; empty where it does not say."""
    stream_id: str = ""
    cause: str = ""
    """Why the call ended, in the carrier's words."""
    machine: bool | None = None
    """Whether a machine has answered, where it says so."""
    recording_id: str = ""
    recording_url: str = ""
    recording_ms: int = 0
    """How long the recording is; 0 where it does not say."""


class Keypad(Protocol):
    """What presses keys toward the far end where a carrier's stream has no message for it."""

    async def send_digits(self, call_id: str, digits: str, /) -> None:
        """Press keys; raise ``CarrierError``."""


class Carrier(Protocol):
    """A carrier's HTTP side: documents that it fetches, webhooks that it sends, and the proofs that it is the one."""

    name: str
    """``plivo``, …; also the first part of its paths."""
    busy: str
    """The document for a caller who cannot be let in: it speaks, and hangs up."""
    nothing: str
    """The document that does nothing."""
    document_type: str
    """The media type of its documents."""
    numbers: Mapping[str, str]
    """Agents by the numbers that they answer, in E.164."""
    proof: str
    """How the names of those headers begin, in lower case, that are the same when a webhook is sent again, and only
    then; empty where there are none."""
    tells_at_start: bool
    """Whether what we gave along (agent, body, token) comes back with the stream's start and not in its URL."""

    @property
    def keypad(self) -> Keypad | None:
        """What presses keys where the stream cannot; ``None`` where nothing does."""

    @property
    def verifies(self) -> bool:
        """Whether requests must prove that they come from the carrier."""

    def protocol(self) -> CarrierProtocol:
        """The wire of a new stream."""

    def answer(self, origin: str, call_id: str, agent: str, body: str, now_s: float, /, after_url: str = "") -> str:
        """The document that makes the carrier open a stream for this call to our ``origin``, http or https.

        Where the call outlives its stream, the carrier asks at ``after_url`` how it goes on, if it can.
        """

    def read_webhook(self, fields: Mapping[str, str], /) -> Webhook:
        """Read the fields of a webhook, from its form or its query."""

    def verify_webhook(
        self, method: str, url: str, headers: Iterable[tuple[str, str]], form: Mapping[str, Sequence[str]], /
    ) -> None:
        """Raise ``SignatureError`` for a request that the carrier did not sign, if signatures are asked for."""

    def verify_stream(
        self, url: str, headers: Iterable[tuple[str, str]], call_id: str, token: str, now_s: float, /
    ) -> None:
        """Raise ``SignatureError`` for an upgrade that proves nothing, likewise."""

    def verify_start(self, call_id: str, token: str, now_s: float, /) -> None:
        """Raise ``SignatureError`` for a stream that does not prove whose it is, where only its start can tell."""


@runtime_checkable
class HandoverDocuments(Protocol):
    """The documents of a carrier that can put a call through to somebody else, and what it tells of that."""

    hang_up: str
    """The document that ends a call."""
    failure: str
    """The document for a caller whom the answer document did not reach."""

    def dial(self, to: str, *, caller_id: str = "", timeout_s: int = 30, action_url: str = "") -> str:
        """Ring a number or a SIP address, let both talk, then go on with the document at ``action_url``, or end."""

    def go_on(self, url: str, /) -> str:
        """Go on with the document at a URL."""

    def brief(self, words: str, then_url: str, /) -> str:
        """Say something to who has answered, then go on with the document at ``then_url``."""

    def room(self, name: str, /) -> str:
        """Join who else is in a room of this name; whoever leaves it ends it."""

    def read_outcome(self, fields: Mapping[str, str], /) -> HandoverOutcome:
        """What became of a leg, by the fields of a webhook; ``CONNECTED`` for one that was talked on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallOrder:
    """A call to be placed."""

    to_number: str
    """E.164, or a SIP URI."""
    from_number: str
    answer_url: str
    """Where the carrier fetches the document once somebody has answered."""
    status_url: str
    """Where it tells that the phone rings and that the call is over."""
    machine_url: str = ""
    """Where it tells who has answered; empty: it does not listen for machines."""
    ring_timeout_s: int = 45
    time_limit_s: int = 14_400


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedCall:
    """A call that a carrier knows of."""

    request_id: str
    """The carrier's name for our request."""
    call_id: str = ""
    """Its name for the call, where it has told it."""
    to_number: str = ""
    state: str = ""
    """The carrier's word: ``queued``, ``ringing``, ``in-progress``, ``completed``, …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOrder:
    """A recording that the carrier shall make of a call."""

    callback_url: str = ""
    """Where it tells that the recording is ready."""
    time_limit_s: int = 14_400
    file_format: str = "wav"
    is_stereo: bool = True


class Control(Protocol):
    """A carrier's REST API. All raise ``CarrierError``; cancelling leaves open whether the carrier has obeyed."""

    name: str

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""

    async def place(self, order: CallOrder, /) -> PlacedCall:
        """Ask for a call, once: a request whose outcome is not known raises an ``uncertain`` error."""

    async def find(self, to_number: str, since_s: float, /) -> list[PlacedCall]:
        """Calls placed to a number since then, in seconds since the epoch; whatever their state."""

    async def hang_up(self, call_id: str, /) -> None:
        """End a call; one that is over already is no error."""

    async def redirect(self, call_id: str, document_url: str, /) -> None:
        """Have the call go on with another document: the stream ends, the call does not."""

    async def send_digits(self, call_id: str, digits: str, /) -> None:
        """Press keys toward the far end."""

    async def start_recording(self, call_id: str, order: RecordingOrder, /) -> str:
        """Begin to record and return the recording's name."""

    async def stop_recording(self, call_id: str, recording_id: str, /) -> None:
        """End a recording; one that is over already is no error."""

    async def delete_recording(self, recording_id: str, /) -> None:
        """Delete what was recorded, for good; what is gone already is no error."""
