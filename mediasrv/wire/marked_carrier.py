"""The mirror of ``MarkedProtocol``: Twilio, Exotel and Telnyx, seen from themselves.

All three write numbers as texts in their messages, count time from the stream's start, and drop in silence what the
reader here refuses by name: a message without its address, audio in pieces of the wrong size.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import Clear, Command, Mark, PlayMedia
from mediasrv.wire.fields import Fields, compose, object_in, text_in
from mediasrv.wire.headers import read_headers
from mediasrv.wire.marked import Pieces, Words
from mediasrv.wire.payload import decode_payload
from mediasrv.wire.protocol import Phase
from mediasrv.wire.streamside import StreamSide

CALLER, CALLED = "+15550100", "+15550199"
"""Numbers that are no one's."""


class MarkedCarrierSide(StreamSide):
    """One stream of such a carrier."""

    words: ClassVar[Words]

    def __init__(self) -> None:
        super().__init__()
        self._began_ms: int | None = None

    def connected(self) -> str:
        if self.phase is not Phase.WAITING:
            raise LocalProtocolError("a stream is greeted before it starts")
        return compose({"event": "connected", **self._greeting()})

    def _greeting(self) -> Fields:
        return {}

    def start(self, call_id: str, stream_id: str, audio: AudioFormat, headers: str = "") -> str:
        self._open(stream_id, audio)
        words = self.words
        start = {words.call: call_id, words.parameters: read_headers(headers), **self._details(audio)}
        return self._write("start", start=start)

    @abstractmethod
    def _details(self, audio: AudioFormat) -> Fields:
        """What else ``start`` says, the media format for one."""

    def _media(self, chunk: int, timestamp_ms: int, text: str) -> Fields:
        return {"chunk": str(chunk), "timestamp": str(self._since_start(timestamp_ms)), "payload": text}

    def _since_start(self, timestamp_ms: int) -> int:
        if self._began_ms is None:
            self._began_ms = timestamp_ms
        return timestamp_ms - self._began_ms

    def _dtmf(self, digit: str, timestamp_ms: int) -> Fields:
        return {"digit": digit}

    def played(self, name: str) -> str:
        return self._write("mark", mark={"name": name})

    def cleared(self) -> str:
        return ""

    def stop(self, reason: str = "") -> str:
        message = self._write("stop", stop=self._stopped(reason))
        self.phase = Phase.CLOSED
        return message

    def _stopped(self, reason: str) -> Fields:
        return {"reason": reason} if reason else {}

    def _write(self, event: str, **members: Any) -> str:
        return super()._write(event, **{self.words.stream: self._stream_id}, **members)

    def _count(self, number: int) -> int | str:
        return str(number)

    def _read(self, event: str, fields: Fields) -> Command:
        if self.words.is_addressed:
            text_in(fields, self.words.stream)
            self._check_stream(fields)
        match event:
            case "media":
                return PlayMedia(self._read_audio(object_in(fields, "media")))
            case "mark":
                return Mark(text_in(object_in(fields, "mark"), "name"))
            case "clear":
                return Clear()
            case _:
                raise self._unknown(event)

    def _read_audio(self, media: Fields) -> bytes:
        payload = decode_payload(media.get("payload"), self._bytes_per_sample)
        assert self.format is not None  # the stream is open
        pieces = self.pieces(self.format)
        if len(payload) < pieces.least or len(payload) > pieces.most or len(payload) % pieces.unit:
            raise RemoteProtocolError(f"{self.name} plays no piece of this size")
        return payload

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        """What audio is taken in one message."""
        return Pieces(audio.bytes_per_sample, audio.bytes_per_sample)
