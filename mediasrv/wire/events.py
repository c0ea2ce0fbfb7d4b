"""What a carrier tells us (events, past tense) and what we tell it (commands, imperative), alike for all carriers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mediasrv.audio.format import AudioFormat


@dataclass(frozen=True, slots=True)
class StreamStarted:
    """The carrier opened the media stream; always the first event of a call."""

    call_id: str
    """The carrier's name for the call, as its REST API and its webhooks use it."""
    stream_id: str
    """The carrier's name for this stream."""
    format: AudioFormat
    """What the carrier sends and expects, whatever our answer document asked for."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Custom key-value pairs that travelled with the call."""
    raw_headers: str = ""
    """The same as the carrier wrote them, in whatever spelling."""
    from_number: str = ""
    """The caller's number, where the carrier sends it on the stream."""
    to_number: str = ""
    """The number that was called, likewise."""
    gathers_ms: int = 0
    """How much audio this side of the wire may hold back, because the carrier takes no smaller pieces."""


@dataclass(frozen=True, slots=True)
class MediaReceived:
    """Audio of the caller."""

    payload: bytes
    """Encoded in the stream's format; whole samples, never empty."""
    chunk: int | None = None
    """Place in the sequence of the caller's audio messages, where the carrier counts them."""


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key."""

    digit: str
    """One of 0-9, *, #, A-D."""


@dataclass(frozen=True, slots=True)
class MarkReached:
    """The caller has heard everything that was sent before a mark."""

    name: str
    """The name we gave the mark."""


@dataclass(frozen=True, slots=True)
class PlayoutCleared:
    """The carrier dropped what it had not yet played."""


@dataclass(frozen=True, slots=True)
class StreamStopped:
    """The carrier says that the stream is over; the socket closes soon."""

    reason: str = ""
    """The carrier's own word, for the record."""


@dataclass(frozen=True, slots=True)
class PlayFailed:
    """The carrier could not play what we sent."""

    reason: str
    """The carrier's own word."""


@dataclass(frozen=True, slots=True)
class CarrierFailed:
    """The carrier reported an error of its own on the stream."""

    reason: str
    """The carrier's own word."""


Event = (
    StreamStarted
    | MediaReceived
    | DtmfReceived
    | MarkReached
    | PlayoutCleared
    | StreamStopped
    | PlayFailed
    | CarrierFailed
)


@dataclass(frozen=True, slots=True)
class PlayMedia:
    """Append audio to what the caller is going to hear."""

    payload: bytes
    """Encoded in the stream's format, whole samples."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Ask to be told when playout has come to this point."""

    name: str
    """Unique within the call."""
    ends_utterance: bool = field(default=False, compare=False)
    """Whether nothing follows as yet, so that audio that was held back is to go now."""


@dataclass(frozen=True, slots=True)
class Clear:
    """Drop what the caller has not heard yet."""


@dataclass(frozen=True, slots=True)
class SendDtmf:
    """Play tones toward the far end."""

    digits: str
    """One or more of 0-9, *, #, A-D."""


Command = PlayMedia | Mark | Clear | SendDtmf
