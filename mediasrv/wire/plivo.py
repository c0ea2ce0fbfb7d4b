"""Plivo Audio Streaming, seen from the server that Plivo connects to.

    carrier: start  media*  dtmf*  playedStream*  clearedAudio*  [stop]  (socket close)
    server:         playAudio*  checkpoint*  clearAudio*  sendDTMF*

Plivo's pages, SDKs and samples disagree in places; of everything they send only ``start.callId``, ``start.streamId``
and ``media.payload`` are needed here. Choices made where they are silent:

- Without ``mediaFormat`` a stream is taken to be mu-law at 8 kHz, unless the constructor is told otherwise. Plivo
  documents the member as always there, and two defaults for the attribute behind it; the senders known to leave it
  out are samples and test callers, which speak mu-law.
- ``timestamp`` and ``sequenceNumber`` mean different things to different sources and are not read.
- A message that names another stream than this one is refused. So is everything before ``start``.
- ``stop`` is not sent by every Plivo-like carrier: the end of the socket is the end of the stream.
- ``clearAudio`` forgets the checkpoints still queued: their ``playedStream`` never comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    CarrierFailed,
    Clear,
    Command,
    DtmfReceived,
    Event,
    Mark,
    MarkReached,
    MediaReceived,
    PlayFailed,
    PlayMedia,
    PlayoutCleared,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.fields import (
    MAX_MESSAGE_CHARS,
    Fields,
    are_digits,
    compose,
    count_from,
    event_in,
    id_from,
    object_in,
    parse,
    reason_from,
    text_in,
)
from mediasrv.wire.headers import raw_headers, read_headers
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.payload import decode_payload, encode_payload
from mediasrv.wire.protocol import CarrierProtocol, Phase

PLIVO_FORMATS = (MULAW_8K, L16_8K, L16_16K, AudioFormat(Encoding.L16, 24_000))
"""What a Plivo stream may be made of."""


class PlivoProtocol(CarrierProtocol):
    """One Plivo stream, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    carrier: ClassVar[str] = "plivo"
    sends_dtmf: ClassVar[bool] = True

    def __init__(self, assumed_format: AudioFormat = MULAW_8K) -> None:
        """Wait for a stream, whose format is ``assumed_format`` where its ``start`` names none."""
        self._assumed_format = assumed_format
        self._bytes_per_sample = 1
        self._play_head = ""
        self._clear = ""

    def receive(self, message: str | bytes) -> Sequence[Event]:
        fields = parse(message)
        event = event_in(fields)
        if event == "start":
            return self._start(fields)
        reader = self._readers.get(event)
        if reader is None:
            self.unknown_events += 1
            return ()
        if self.phase is Phase.WAITING:
            raise RemoteProtocolError(f"{event} came before start")
        if self.phase is Phase.CLOSED:
            return ()
        stream_id = fields.get("streamId")
        if stream_id is not None and stream_id != self.stream_id:
            raise RemoteProtocolError(f"{event} names another stream")
        return reader(self, fields)

    def _start(self, fields: Fields) -> Sequence[Event]:
        if self.phase is not Phase.WAITING:
            raise RemoteProtocolError("start came twice")
        start = object_in(fields, "start")
        call_id = id_from("start.callId", start.get("callId"), start.get("callUUID"))
        stream_id = id_from("start.streamId", start.get("streamId"), fields.get("streamId"))
        audio = read_media_format(start.get("mediaFormat"), self._assumed_format, PLIVO_FORMATS)
        extra = fields.get("extra_headers")
        headers = read_headers(start.get("customParameters")) | read_headers(extra)
        self.call_id = call_id
        self.stream_id = stream_id
        self.format = audio
        self.phase = Phase.OPEN
        self._bytes_per_sample = audio.bytes_per_sample
        self._play_head = (
            f'{{"event":"playAudio","media":{{"contentType":"{audio.encoding.value}",'
            f'"sampleRate":{audio.rate_hz},"payload":"'
        )
        self._clear = compose({"event": "clearAudio", "streamId": stream_id})
        return (StreamStarted(call_id, stream_id, audio, headers, raw_headers(extra)),)

    def _media(self, fields: Fields) -> Sequence[Event]:
        media = object_in(fields, "media")
        if self._is_foreign(media):
            return ()
        payload = decode_payload(media.get("payload"), self._bytes_per_sample)
        return (MediaReceived(payload, count_from(media.get("chunk"))),)

    def _dtmf(self, fields: Fields) -> Sequence[Event]:
        dtmf = object_in(fields, "dtmf")
        if self._is_foreign(dtmf):
            return ()
        digit = text_in(dtmf, "digit")
        if len(digit) != 1 or not are_digits(digit):
            raise RemoteProtocolError("dtmf.digit is not a key of a telephone")
        return (DtmfReceived(digit),)

    def _is_foreign(self, part: Fields) -> bool:
        """Count and tell apart what is about the track that the caller hears."""
        if part.get("track") != "outbound":
            return False
        self.foreign_messages += 1
        return True

    def _played(self, fields: Fields) -> Sequence[Event]:
        return (MarkReached(text_in(fields, "name")),)

    def _cleared(self, fields: Fields) -> Sequence[Event]:
        return (PlayoutCleared(),)

    def _stop(self, fields: Fields) -> Sequence[Event]:
        self.phase = Phase.CLOSED
        return (StreamStopped(reason_from(fields.get("reason"))),)

    def _play_failed(self, fields: Fields) -> Sequence[Event]:
        return (PlayFailed(reason_from(fields.get("reason"))),)

    def _error(self, fields: Fields) -> Sequence[Event]:
        return (CarrierFailed(reason_from(fields.get("reason"))),)

    _readers: ClassVar[dict[str, Callable[[PlivoProtocol, Fields], Sequence[Event]]]] = {
        "media": _media,
        "dtmf": _dtmf,
        "playedStream": _played,
        "played": _played,
        "clearedAudio": _cleared,
        "stop": _stop,
        "playFailed": _play_failed,
        "error": _error,
    }

    def send(self, command: Command) -> str:
        if self.phase is not Phase.OPEN:
            when = "before the stream has started" if self.phase is Phase.WAITING else "after the stream has stopped"
            raise LocalProtocolError(f"{type(command).__name__} {when}")
        match command:
            case PlayMedia(payload):
                return self._play(payload)
            case Mark(name):
                return self._mark(name)
            case Clear():
                return self._clear
            case _:
                return self._dial(command.digits)

    def _play(self, payload: bytes) -> str:
        # Fifty times a second a call: base64 needs no escaping, so the JSON around it is made once, at the start.
        message = f'{self._play_head}{encode_payload(payload, self._bytes_per_sample)}"}}}}'
        if len(message) > MAX_MESSAGE_CHARS:
            raise LocalProtocolError("the audio is too long for one message")
        return message

    def _mark(self, name: str) -> str:
        if not name:
            raise LocalProtocolError("a mark needs a name")
        return compose({"event": "checkpoint", "streamId": self.stream_id, "name": name})

    @staticmethod
    def _dial(digits: str) -> str:
        if not are_digits(digits):
            raise LocalProtocolError("only the keys of a telephone can be sent")
        return compose({"event": "sendDTMF", "dtmf": digits})
