"""Plivo Audio Streaming, seen from Plivo: the messages of a real stream, and a strict reader of the server's.

Where Plivo is known to accept two spellings (``sampleRate`` as a number or its digits, ``clearAudio`` with or without
its ``streamId``) so does the reader; where it is documented to drop or refuse (audio of another format than the
stream's, a message of more than 64 KB, an event of another carrier) the reader says so.
"""

from __future__ import annotations

from typing import ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.events import Clear, Command, Mark, PlayMedia, SendDtmf
from mediasrv.wire.fields import (
    Fields,
    are_digits,
    compose,
    count_from,
    event_in,
    object_in,
    parse,
    reason_from,
    text_in,
)
from mediasrv.wire.payload import decode_payload, encode_payload
from mediasrv.wire.plivo import PLIVO_FORMATS
from mediasrv.wire.protocol import Phase

ACCOUNT_ID = "MASIMULATEDCALLER000"
"""In the shape of a Plivo account's id, and no one's."""


class PlivoCarrierProtocol(CarrierSide):
    """One Plivo stream, seen from Plivo."""

    carrier: ClassVar[str] = "plivo"

    def __init__(self) -> None:
        self._stream_id = ""
        self._headers = ""
        self._encoding = ""
        self._rate_hz = 0
        self._bytes_per_sample = 1
        self._sequence_number = 0
        self._chunk = 0

    def start(self, call_id: str, stream_id: str, audio: AudioFormat, headers: str = "") -> str:
        if self.phase is not Phase.WAITING:
            raise LocalProtocolError("a stream starts once")
        if audio not in PLIVO_FORMATS:
            raise LocalProtocolError(f"Plivo does not stream {audio}")
        self.phase = Phase.OPEN
        self.format = audio
        self._stream_id = stream_id
        self._headers = headers
        self._encoding = audio.encoding.value
        self._rate_hz = audio.rate_hz
        self._bytes_per_sample = audio.bytes_per_sample
        start = {
            "callId": call_id,
            "streamId": stream_id,
            "accountId": ACCOUNT_ID,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": self._encoding, "sampleRate": self._rate_hz},
        }
        return self._write("start", start=start, extra_headers=headers)

    def media(self, payload: bytes, timestamp_ms: int) -> str:
        text = encode_payload(payload, self._bytes_per_sample)
        media = {"track": "inbound", "timestamp": str(timestamp_ms), "chunk": self._chunk + 1, "payload": text}
        message = self._write("media", streamId=self._stream_id, media=media, extra_headers=self._headers)
        self._chunk += 1
        return message

    def dtmf(self, digit: str, timestamp_ms: int) -> str:
        if len(digit) != 1 or not are_digits(digit):
            raise LocalProtocolError("a caller presses one key at a time")
        dtmf = {"track": "inbound", "digit": digit, "timestamp": str(timestamp_ms)}
        return self._write("dtmf", streamId=self._stream_id, dtmf=dtmf, extra_headers=self._headers)

    def played(self, name: str) -> str:
        return self._write("playedStream", streamId=self._stream_id, name=name)

    def cleared(self) -> str:
        return self._write("clearedAudio", streamId=self._stream_id)

    def stop(self, reason: str = "") -> str:
        message = self._write("stop", streamId=self._stream_id, reason=reason)
        self.phase = Phase.CLOSED
        return message

    def _write(self, event: str, **members: object) -> str:
        if self.phase is not Phase.OPEN:
            raise LocalProtocolError(f"{event} outside a stream")
        message = compose({"event": event, "sequenceNumber": self._sequence_number + 1, **members})
        self._sequence_number += 1
        return message

    def receive(self, message: str | bytes) -> Command:
        fields = parse(message)
        event = event_in(fields)
        if self.phase is Phase.WAITING:
            raise RemoteProtocolError(f"{reason_from(event)} came before start")
        match event:
            case "playAudio":
                self._check_stream(fields)
                return PlayMedia(self._read_audio(object_in(fields, "media")))
            case "checkpoint":
                text_in(fields, "streamId")
                self._check_stream(fields)
                return Mark(text_in(fields, "name"))
            case "clearAudio":
                self._check_stream(fields)
                return Clear()
            case "sendDTMF":
                return SendDtmf(self._read_digits(fields))
            case _:
                raise RemoteProtocolError(f"Plivo knows no event {reason_from(event)}")

    def _check_stream(self, fields: Fields) -> None:
        if fields.get("streamId", self._stream_id) != self._stream_id:
            raise RemoteProtocolError("the message names another stream")

    def _read_audio(self, media: Fields) -> bytes:
        if media.get("contentType") != self._encoding or count_from(media.get("sampleRate")) != self._rate_hz:
            raise RemoteProtocolError(f"the audio is not marked as the stream's, {self._encoding} at {self._rate_hz}")
        return decode_payload(media.get("payload"), self._bytes_per_sample)

    @staticmethod
    def _read_digits(fields: Fields) -> str:
        digits = text_in(fields, "dtmf")
        if not are_digits(digits):
            raise RemoteProtocolError("dtmf holds something else than the keys of a telephone")
        return digits
