"""Twilio, Exotel and Telnyx side by side: what each of them says, in its own spelling."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.exotel_carrier import ExotelCarrierProtocol
from mediasrv.wire.marked import MarkedProtocol
from mediasrv.wire.marked_carrier import MarkedCarrierSide
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.telnyx_carrier import TelnyxCarrierProtocol
from mediasrv.wire.twilio import TwilioProtocol
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol
from tests.wire.mutation import PAYLOAD, text

STREAM = "stream-1"


@dataclass(frozen=True)
class Kin:
    """One carrier."""

    ours: type[MarkedProtocol]
    side: type[MarkedCarrierSide]
    start: dict[str, Any]
    media: dict[str, Any]
    dtmf: dict[str, Any]
    stop: dict[str, Any]

    @property
    def named(self) -> dict[str, Any]:
        """The address of a message."""
        return {self.ours.words.stream: STREAM}

    @property
    def messages(self) -> list[dict[str, Any]]:
        mark = {"event": "mark", **self.named, "mark": {"name": "utt-7"}}
        error = {"event": "error", **self.named, "payload": {"code": 100003, "title": "malformed_frame"}}
        return [{"event": "connected"}, self.start, self.media, self.dtmf, mark, self.stop, error]

    def opened(self, **start: Any) -> MarkedProtocol:
        """Our side of a stream that has started."""
        protocol = self.ours()
        protocol.receive(text(self.start | {"start": self.start["start"] | start}))
        return protocol


TWILIO = Kin(
    TwilioProtocol,
    TwilioCarrierProtocol,
    start={
        "event": "start",
        "sequenceNumber": "1",
        "streamSid": STREAM,
        "start": {
            "accountSid": "AC1",
            "streamSid": STREAM,
            "callSid": "CA1",
            "tracks": ["inbound"],
            "customParameters": {"agent": "sales", "from": "+15550001"},
            "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        },
    },
    media={
        "event": "media",
        "sequenceNumber": "2",
        "streamSid": STREAM,
        "media": {"track": "inbound", "chunk": "1", "timestamp": "5", "payload": PAYLOAD},
    },
    dtmf={
        "event": "dtmf",
        "sequenceNumber": "5",
        "streamSid": STREAM,
        "dtmf": {"track": "inbound_track", "digit": "1"},
    },
    stop={
        "event": "stop",
        "sequenceNumber": "7",
        "streamSid": STREAM,
        "stop": {"accountSid": "AC1", "callSid": "CA1"},
    },
)
EXOTEL = Kin(
    ExotelProtocol,
    ExotelCarrierProtocol,
    start={
        "event": "start",
        "sequence_number": "1",
        "stream_sid": STREAM,
        "start": {
            "stream_sid": STREAM,
            "call_sid": "C1",
            "account_sid": "acme",
            "from": "09990001111",
            "to": "08000002222",
            "custom_parameters": {"agent": "sales"},
            "media_format": {"encoding": "audio/x-raw", "sample_rate": "8000", "bit_rate": "16"},
        },
    },
    media={
        "event": "media",
        "sequence_number": "3",
        "stream_sid": STREAM,
        "media": {"chunk": "2", "timestamp": "100", "payload": PAYLOAD},
    },
    dtmf={"event": "dtmf", "sequence_number": "9", "stream_sid": STREAM, "dtmf": {"digit": "5", "duration": "180"}},
    stop={
        "event": "stop",
        "sequence_number": "20",
        "stream_sid": STREAM,
        "stop": {"call_sid": "C1", "account_sid": "acme", "reason": "callended"},
    },
)
TELNYX = Kin(
    TelnyxProtocol,
    TelnyxCarrierProtocol,
    start={
        "event": "start",
        "sequence_number": "1",
        "stream_id": STREAM,
        "start": {
            "user_id": "u",
            "call_control_id": "v3:c1",
            "call_session_id": "s",
            "from": "+15550001",
            "to": "+15550002",
            "tags": [],
            "client_state": "",
            "custom_parameters": {},
            "media_format": {"encoding": "PCMU", "sample_rate": 8000, "channels": 1},
        },
    },
    media={
        "event": "media",
        "sequence_number": "4",
        "stream_id": STREAM,
        "media": {"track": "inbound", "chunk": "2", "timestamp": "5", "payload": PAYLOAD},
    },
    dtmf={"event": "dtmf", "sequence_number": "6", "stream_id": STREAM, "dtmf": {"digit": "*"}},
    stop={"event": "stop", "sequence_number": "9", "stream_id": STREAM, "stop": {"call_control_id": "v3:c1"}},
)
KIN = (TWILIO, EXOTEL, TELNYX)
