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

from collections.abc import Mapping, Sequence
from typing import ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.wire.events import CarrierFailed, Event, MarkReached, PlayFailed, PlayoutCleared, StreamStarted
from mediasrv.wire.fields import Fields, compose, id_from, reason_from, text_in
from mediasrv.wire.headers import raw_headers, read_headers
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.stream import Reader, StreamProtocol

PLIVO_FORMATS = (MULAW_8K, L16_8K, L16_16K, AudioFormat(Encoding.L16, 24_000))
"""What a Plivo stream may be made of."""


class PlivoProtocol(StreamProtocol):
    """One Plivo stream, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    carrier: ClassVar[str] = "plivo"
    sends_dtmf: ClassVar[bool] = True
    stream_member: ClassVar[str] = "streamId"

    def __init__(self, assumed_format: AudioFormat = MULAW_8K) -> None:
        """Wait for a stream, whose format is ``assumed_format`` where its ``start`` names none."""
        super().__init__()
        self._assumed_format = assumed_format

    def _read_start(self, fields: Fields, start: Fields) -> StreamStarted:
        call_id = id_from("start.callId", start.get("callId"), start.get("callUUID"))
        stream_id = id_from("start.streamId", start.get("streamId"), fields.get("streamId"))
        audio = read_media_format(start.get("mediaFormat"), self._assumed_format, PLIVO_FORMATS)
        extra = fields.get("extra_headers")
        headers = read_headers(start.get("customParameters")) | read_headers(extra)
        return StreamStarted(call_id, stream_id, audio, headers, raw_headers(extra))

    def _played(self, fields: Fields) -> Sequence[Event]:
        return (MarkReached(text_in(fields, "name")),)

    def _cleared(self, fields: Fields) -> Sequence[Event]:
        return (PlayoutCleared(),)

    def _stop(self, fields: Fields) -> Sequence[Event]:
        return self._end(fields.get("reason"))

    def _play_failed(self, fields: Fields) -> Sequence[Event]:
        return (PlayFailed(reason_from(fields.get("reason"))),)

    def _error(self, fields: Fields) -> Sequence[Event]:
        return (CarrierFailed(reason_from(fields.get("reason"))),)

    readers: ClassVar[Mapping[str, Reader]] = {
        "media": StreamProtocol._media,
        "dtmf": StreamProtocol._dtmf,
        "playedStream": _played,
        "played": _played,
        "clearedAudio": _cleared,
        "stop": _stop,
        "playFailed": _play_failed,
        "error": _error,
    }

    def _compose_play_head(self, started: StreamStarted) -> str:
        audio = started.format
        return (
            f'{{"event":"playAudio","media":{{"contentType":"{audio.encoding.value}",'
            f'"sampleRate":{audio.rate_hz},"payload":"'
        )

    def _compose_clear(self) -> str:
        return compose({"event": "clearAudio", "streamId": self.stream_id})

    def _compose_mark(self, name: str) -> str:
        return compose({"event": "checkpoint", "streamId": self.stream_id, "name": name})

    def _compose_digits(self, digits: str) -> str:
        return compose({"event": "sendDTMF", "dtmf": digits})
