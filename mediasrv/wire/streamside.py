"""The mirror of ``StreamProtocol``: what the carriers' own ends have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.events import Command
from mediasrv.wire.fields import Fields, are_digits, compose, event_in, parse, reason_from
from mediasrv.wire.payload import encode_payload
from mediasrv.wire.protocol import Phase


class StreamSide(CarrierSide):
    """One stream, seen from the carrier; what it writes is counted once it has been written."""

    name: ClassVar[str]
    """The carrier's name as it is spelled in a sentence."""
    formats: ClassVar[Sequence[AudioFormat]]
    sequence_member: ClassVar[str]
    """Where the carrier counts its messages."""
    stream_member: ClassVar[str]

    def __init__(self) -> None:
        self._stream_id = ""
        self._bytes_per_sample = 1
        self._sequence_number = 0
        self._chunk = 0

    def _open(self, stream_id: str, audio: AudioFormat) -> None:
        if self.phase is not Phase.WAITING:
            raise LocalProtocolError("a stream starts once")
        if audio not in self.formats:
            raise LocalProtocolError(f"{self.name} does not stream {audio}")
        self.phase = Phase.OPEN
        self.format = audio
        self._stream_id = stream_id
        self._bytes_per_sample = audio.bytes_per_sample

    def media(self, payload: bytes, timestamp_ms: int) -> str:
        text = encode_payload(payload, self._bytes_per_sample)
        message = self._write("media", media=self._media(self._chunk + 1, timestamp_ms, text))
        self._chunk += 1
        return message

    @abstractmethod
    def _media(self, chunk: int, timestamp_ms: int, text: str) -> Fields:
        """What a ``media`` message holds."""

    def dtmf(self, digit: str, timestamp_ms: int) -> str:
        if len(digit) != 1 or not are_digits(digit):
            raise LocalProtocolError("a caller presses one key at a time")
        return self._write("dtmf", dtmf=self._dtmf(digit, timestamp_ms))

    @abstractmethod
    def _dtmf(self, digit: str, timestamp_ms: int) -> Fields:
        """What a ``dtmf`` message holds."""

    def _write(self, event: str, **members: Any) -> str:
        if self.phase is not Phase.OPEN:
            raise LocalProtocolError(f"{event} outside a stream")
        message = compose({"event": event, self.sequence_member: self._count(self._sequence_number + 1), **members})
        self._sequence_number += 1
        return message

    def _count(self, number: int) -> int | str:
        """A number as the carrier writes it."""
        return number

    def receive(self, message: str | bytes) -> Command:
        fields = parse(message)
        event = event_in(fields)
        if self.phase is Phase.WAITING:
            raise RemoteProtocolError(f"{reason_from(event)} came before start")
        return self._read(event, fields)

    @abstractmethod
    def _read(self, event: str, fields: Fields) -> Command:
        """Read a message of the server; raise ``RemoteProtocolError`` for one that the carrier would drop."""

    def _unknown(self, event: str) -> RemoteProtocolError:
        return RemoteProtocolError(f"{self.name} knows no event {reason_from(event)}")

    def _check_stream(self, fields: Fields) -> None:
        if fields.get(self.stream_member, self._stream_id) != self._stream_id:
            raise RemoteProtocolError("the message names another stream")
