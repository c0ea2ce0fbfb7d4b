"""Plivo Audio Streaming, seen from Plivo: the messages of a real stream, and a strict reader of the server's.

Where Plivo is known to accept two spellings (``sampleRate`` as a number or its digits, ``clearAudio`` with or without
its ``streamId``) so does the reader; where it is documented to drop or refuse (audio of another format than the
stream's, a message of more than 64 KB, an event of another carrier) the reader says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.events import Clear, Command, Mark, PlayMedia, SendDtmf
from mediasrv.wire.fields import Fields, are_digits, count_from, object_in, text_in
from mediasrv.wire.payload import decode_payload
from mediasrv.wire.plivo import PLIVO_FORMATS
from mediasrv.wire.protocol import Phase
from mediasrv.wire.streamside import StreamSide

ACCOUNT_ID = "MASIMULATEDCALLER000"
"""In the shape of a Plivo account's id, and no one's."""


class PlivoCarrierProtocol(StreamSide):
    """One Plivo stream, seen from Plivo."""

    carrier: ClassVar[str] = "plivo"
    name: ClassVar[str] = "Plivo"
    formats: ClassVar[Sequence[AudioFormat]] = PLIVO_FORMATS
    sequence_member: ClassVar[str] = "sequenceNumber"
    stream_member: ClassVar[str] = "streamId"

    def __init__(self) -> None:
        super().__init__()
        self._headers = ""
        self._encoding = ""
        self._rate_hz = 0

    def start(self, call_id: str, stream_id: str, audio: AudioFormat, headers: str = "") -> str:
        self._open(stream_id, audio)
        self._headers = headers
        self._encoding = audio.encoding.value
        self._rate_hz = audio.rate_hz
        start = {
            "callId": call_id,
            "streamId": stream_id,
            "accountId": ACCOUNT_ID,
            "tracks": ["inbound"],
            "mediaFormat": {"encoding": self._encoding, "sampleRate": self._rate_hz},
        }
        return super()._write("start", start=start, extra_headers=headers)

    def _media(self, chunk: int, timestamp_ms: int, text: str) -> Fields:
        return {"track": "inbound", "timestamp": str(timestamp_ms), "chunk": chunk, "payload": text}

    def _dtmf(self, digit: str, timestamp_ms: int) -> Fields:
        return {"track": "inbound", "digit": digit, "timestamp": str(timestamp_ms)}

    def played(self, name: str) -> str:
        return self._write("playedStream", name=name)

    def cleared(self) -> str:
        return self._write("clearedAudio")

    def stop(self, reason: str = "") -> str:
        message = self._write("stop", reason=reason)
        self.phase = Phase.CLOSED
        return message

    def _write(self, event: str, **members: Any) -> str:
        extra = {"extra_headers": self._headers} if event in ("media", "dtmf") else {}
        return super()._write(event, streamId=self._stream_id, **members, **extra)

    def _read(self, event: str, fields: Fields) -> Command:
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
                raise self._unknown(event)

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
