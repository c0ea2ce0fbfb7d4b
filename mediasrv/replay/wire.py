"""The carrier's wire of a call: what was read from it and what was written to it, to the byte.

    message ─► CapturedWire ─► events ─► call ─► command ─► CapturedWire ─► messages ─► socket

A capture keeps the message that began the stream, and from then on every message both ways beside the events and the
commands that it stands for. So a replay reads and writes by the carrier's protocol as it is now. What a socket that is
closed was not given any more is not asked for again.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from mediasrv.call.link import Link, WiredLink
from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.replay.codec import CaptureError, encode
from mediasrv.wire.events import Command, Event, StreamStarted, StreamStopped
from mediasrv.wire.exotel import ExotelProtocol
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.protocol import CarrierProtocol
from mediasrv.wire.telnyx import TelnyxProtocol
from mediasrv.wire.twilio import TwilioProtocol

READ, WROTE = "read", "wrote"

_PROTOCOLS: dict[str, Callable[[StreamStarted], CarrierProtocol]] = {
    PlivoProtocol.carrier: lambda started: PlivoProtocol(started.format),
    TwilioProtocol.carrier: lambda _: TwilioProtocol(),
    ExotelProtocol.carrier: lambda _: ExotelProtocol(),
    TelnyxProtocol.carrier: lambda _: TelnyxProtocol(),
}


@dataclass(frozen=True, slots=True)
class Written:
    """What one command became on the wire."""

    messages: tuple[str, ...]
    """In their order; empty where audio was held back."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A carrier's protocol does not take what it took."""

    reason: str


def listen_in(link: Link, note: Callable[..., None]) -> dict[str, Any] | None:
    """Have all that a link's carrier says, and is told, written down; return how its stream began.

    ``None``: the link has no wire.
    """
    if not isinstance(link, WiredLink):
        return None
    about = {"carrier": link.wire.carrier, "start": link.start}
    link.wire = cast(CarrierProtocol, CapturedWire(link.wire, note))
    return about


class CapturedWire:
    """A carrier's protocol that writes down what it reads and what it writes."""

    def __init__(self, wire: CarrierProtocol, note: Callable[..., None]) -> None:
        self._wire = wire
        self._note = note

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)

    def receive(self, message: str | bytes) -> Sequence[Event]:
        """Read a message; one that breaks the protocol changes nothing and is not kept."""
        events = self._wire.receive(message)
        self._note(READ, message)
        return events

    def send(self, command: Command) -> Sequence[str]:
        """Write a command."""
        messages = self._wire.send(command)
        self._note(WROTE, list(messages))
        return messages


class ReplayedWire:
    """A carrier's protocol that reads again what was read."""

    def __init__(self, about: Mapping[str, Any], started: StreamStarted) -> None:
        """As ``listen_in`` told; raise ``CaptureError`` for a carrier that nobody knows."""
        if about["carrier"] not in _PROTOCOLS:
            raise CaptureError(f"the capture is of a carrier that is not known here: {about['carrier']}")
        self._wire = _PROTOCOLS[about["carrier"]](started)
        self._start = about["start"]
        self._events: deque[Event] = deque()

    def begin(self) -> Event | Refused | None:
        """Read the message that began the stream, and return what it is read as."""
        refusal = self.read(self._start)
        return self._events.popleft() if self._events else refusal

    def read(self, message: str | bytes) -> Event | Refused | None:
        """Read a message; return an event of the message before that nobody has asked for, or why it is refused."""
        # What tells of the end is told once, and may have been told by the socket.
        left = next((each for each in self._events if not isinstance(each, StreamStopped)), None)
        try:
            self._events = deque(self._wire.receive(message))
        except RemoteProtocolError as error:
            return left or Refused(str(error))
        return left

    def next(self, event: Event) -> Event | None:
        """The next event of what was read; a socket that is closed ends the stream without a message."""
        if self._events:
            return self._events.popleft()
        return event if isinstance(event, StreamStopped) else None

    def write(self, command: Command) -> Written | Refused:
        """What a command becomes."""
        try:
            return Written(tuple(self._wire.send(command)))
        except LocalProtocolError as error:
            return Refused(str(error))


def is_same(event: Event, other: Event | Refused | None) -> bool:
    """Whether two events are alike in everything."""
    return bool(encode(event) == encode(other))
