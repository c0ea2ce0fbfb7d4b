"""The carrier's end of a stream: what a simulated carrier writes and reads.

It is the mirror of ``CarrierProtocol`` and as strict about us as real carriers are, or stricter: a server that passes
here sends nothing that its carrier would drop in silence. The duties are mirrored too: ``RemoteProtocolError`` is the
server's mistake, ``LocalProtocolError`` the simulator's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from mediasrv.audio.format import AudioFormat
from mediasrv.wire.events import Command
from mediasrv.wire.protocol import Phase


class CarrierSide(ABC):
    """One stream, seen from the carrier; each method but ``receive`` gives a text message to send to the server.

    Times are the carrier's own clock, in milliseconds, as it would stamp its messages. Methods called out of turn,
    or with what this carrier would never send, raise ``LocalProtocolError``.
    """

    carrier: ClassVar[str]
    """The carrier's name, as ``CarrierProtocol`` has it."""

    phase: Phase = Phase.WAITING
    format: AudioFormat | None = None
    """The stream's format, set by ``start``."""

    def connected(self) -> str:
        """The greeting before ``start``; empty where the carrier has none."""
        return ""

    @abstractmethod
    def start(self, call_id: str, stream_id: str, audio: AudioFormat, headers: str = "") -> str:
        """Open the stream; ``headers`` are custom pairs in the carrier's spelling."""

    @abstractmethod
    def media(self, payload: bytes, timestamp_ms: int) -> str:
        """The caller's next audio, whole samples in the stream's format."""

    @abstractmethod
    def dtmf(self, digit: str, timestamp_ms: int) -> str:
        """The caller pressed a key."""

    @abstractmethod
    def played(self, name: str) -> str:
        """All audio before a mark has been played."""

    @abstractmethod
    def cleared(self) -> str:
        """What was not yet played has been dropped; empty where the carrier does not say so."""

    @abstractmethod
    def stop(self, reason: str = "") -> str:
        """End the stream."""

    @abstractmethod
    def receive(self, message: str | bytes) -> Command:
        """Read one message of the server; raise ``RemoteProtocolError`` when it breaks the protocol.

        A message that arrives after ``stop`` is read as before: it was under way.
        """
