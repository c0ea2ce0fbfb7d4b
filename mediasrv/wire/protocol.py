"""The shape every carrier's protocol has: a sans-IO state machine over text messages.

A protocol object belongs to one WebSocket. The shell hands it each message as it arrives and performs nothing but
what comes back; it hands it each command and writes what comes back to the socket:

    WAITING --StreamStarted--> OPEN --StreamStopped--> CLOSED

``receive`` raises ``RemoteProtocolError`` for a message that breaks the protocol; the state is then unchanged and the
next message is read as if the broken one had not come. One such error is final: ``UnsupportedFormatError`` says that
the carrier's audio cannot be understood, so the shell closes the socket. ``send`` raises ``LocalProtocolError`` for a
command that the state does not allow. What still arrives once the stream is CLOSED was under way and is no one's
mistake: it is skipped.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import Enum, auto
from typing import ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.events import Command, Event


class UnsupportedFormatError(RemoteProtocolError):
    """The stream's audio is of a format that is not spoken here: nothing that follows can be understood."""


class Phase(Enum):
    """Where a stream is in its life."""

    WAITING = auto()
    """Nothing but the carrier's greeting messages has come."""
    OPEN = auto()
    """Audio flows both ways."""
    CLOSED = auto()
    """The carrier said that it is over."""


class CarrierProtocol(ABC):
    """One carrier stream, seen from our side."""

    carrier: ClassVar[str]
    """The carrier's name in configuration, logs and metrics."""
    sends_dtmf: ClassVar[bool]
    """Whether ``SendDtmf`` exists on this wire."""

    phase: Phase = Phase.WAITING
    call_id: str = ""
    stream_id: str = ""
    format: AudioFormat | None = None
    """The stream's format, known once it has started."""
    unknown_events: int = 0
    """Messages of a kind we do not know, which are skipped."""
    foreign_messages: int = 0
    """Messages about another track than the caller's, which are skipped."""

    @abstractmethod
    def receive(self, message: str | bytes) -> Sequence[Event]:
        """Read one WebSocket message; raise ``RemoteProtocolError`` when it breaks the protocol."""

    @abstractmethod
    def send(self, command: Command) -> Sequence[str]:
        """Write one command as WebSocket text messages; raise ``LocalProtocolError`` out of turn.

        There may be none: a carrier that takes no small pieces of audio gets them gathered to larger ones.
        """
