"""What the streams of all carriers have in common, seen from our side: JSON objects, each with its ``event``.

    carrier: [connected]  start  media*  dtmf*  …  [stop]  (socket close)

A carrier's own module says what its messages are called and where in them things stand. A message that names another
stream than this one is refused; so is everything before ``start`` but a greeting.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire.events import (
    Clear,
    Command,
    DtmfReceived,
    Event,
    Mark,
    MediaReceived,
    PlayMedia,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.fields import (
    MAX_MESSAGE_CHARS,
    Fields,
    are_digits,
    count_from,
    event_in,
    object_in,
    parse,
    reason_from,
    text_in,
)
from mediasrv.wire.payload import decode_payload, encode_payload
from mediasrv.wire.protocol import CarrierProtocol, Phase

Reader = Callable[[Any, Fields], Sequence[Event]]
"""A method that reads one kind of message of a stream that is open."""


class StreamProtocol(CarrierProtocol):
    """One stream; see ``CarrierProtocol`` for the duties of the caller."""

    greetings: ClassVar[frozenset[str]] = frozenset()
    """What may come before ``start`` and says nothing."""
    stream_member: ClassVar[str]
    """Where a message names its stream."""
    readers: ClassVar[Mapping[str, Reader]]
    """What is understood of a stream that is open, by its event; ``media`` is read by ``_media``."""

    def __init__(self) -> None:
        self._bytes_per_sample = 1
        self._play_head = self._clear = ""

    # -- what the carrier says -----------------------------------------------------------------------------------

    def receive(self, message: str | bytes) -> Sequence[Event]:
        fields = parse(message)
        stream_id = fields.get(self.stream_member, self.stream_id)
        # Fifty times a second a call, so first; whatever is not as usual is looked into below.
        if fields.get("event") == "media" and self.phase is Phase.OPEN and stream_id == self.stream_id:
            return self._media(fields)
        event = event_in(fields)
        if event == "start":
            return self._start(fields)
        if event in self.greetings:
            return ()
        reader = self.readers.get(event)
        if reader is None:
            self.unknown_events += 1
            return ()
        if self.phase is Phase.WAITING:
            raise RemoteProtocolError(f"{event} came before start")
        if self.phase is Phase.CLOSED:
            return ()
        if stream_id is not None and stream_id != self.stream_id:
            raise RemoteProtocolError(f"{event} names another stream")
        return reader(self, fields)

    def _start(self, fields: Fields) -> tuple[StreamStarted]:
        if self.phase is not Phase.WAITING:
            raise RemoteProtocolError("start came twice")
        started = self._read_start(fields, object_in(fields, "start"))
        self.call_id = started.call_id
        self.stream_id = started.stream_id
        self.format = started.format
        self.phase = Phase.OPEN
        self._bytes_per_sample = started.format.bytes_per_sample
        self._play_head = self._compose_play_head(started)
        self._clear = self._compose_clear()
        return (started,)

    @abstractmethod
    def _read_start(self, fields: Fields, start: Fields) -> StreamStarted:
        """Read the message that opens the stream, and change nothing."""

    def _media(self, fields: Fields) -> Sequence[Event]:
        media = object_in(fields, "media")
        # Asked here already: fifty times a second it is the caller's own.
        if media.get("track") != "inbound" and self._is_foreign(media):
            return ()
        payload = decode_payload(media.get("payload"), self._bytes_per_sample)
        return self._order(MediaReceived(payload, count_from(media.get("chunk"))))

    def _order(self, media: MediaReceived) -> Sequence[Event]:
        """Audio in the order in which it was spoken: as it comes, where the carrier keeps the order."""
        return (media,)

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
        if part.get("track") not in ("outbound", "outbound_track"):
            return False
        self.foreign_messages += 1
        return True

    def _end(self, reason: object) -> Sequence[Event]:
        self.phase = Phase.CLOSED
        return (StreamStopped(reason_from(reason)),)

    # -- what we say ---------------------------------------------------------------------------------------------

    def send(self, command: Command) -> Sequence[str]:
        if self.phase is not Phase.OPEN:
            when = "before the stream has started" if self.phase is Phase.WAITING else "after the stream has stopped"
            raise LocalProtocolError(f"{type(command).__name__} {when}")
        match command:
            case PlayMedia(payload):
                return self._play(payload)
            case Mark():
                if not command.name:
                    raise LocalProtocolError("a mark needs a name")
                return self._mark(command)
            case Clear():
                return self._drop()
            case _:
                if not are_digits(command.digits):
                    raise LocalProtocolError("only the keys of a telephone can be sent")
                return (self._compose_digits(command.digits),)

    def _play(self, payload: bytes) -> Sequence[str]:
        return (self._compose_play(payload),)

    def _mark(self, mark: Mark) -> Sequence[str]:
        return (self._compose_mark(mark.name),)

    def _drop(self) -> Sequence[str]:
        return (self._clear,)

    def _compose_play(self, payload: bytes) -> str:
        # Fifty times a second a call: base64 needs no escaping, so the JSON around it is made once, at the start.
        message = f'{self._play_head}{encode_payload(payload, self._bytes_per_sample)}"}}}}'
        if len(message) > MAX_MESSAGE_CHARS:
            raise LocalProtocolError("the audio is too long for one message")
        return message

    @abstractmethod
    def _compose_play_head(self, started: StreamStarted) -> str:
        """The message that plays audio, up to the payload."""

    @abstractmethod
    def _compose_clear(self) -> str:
        """The message that drops what was not heard yet."""

    @abstractmethod
    def _compose_mark(self, name: str) -> str:
        """The message that asks to be told."""

    def _compose_digits(self, digits: str) -> str:
        raise LocalProtocolError(f"{self.carrier} takes no keys on the stream")
