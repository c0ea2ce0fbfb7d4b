"""What Twilio, Exotel and Telnyx have in common: one protocol in three spellings.

    carrier: connected  start  media*  dtmf*  mark*  stop  (socket close)
    server:             media*  mark*  clear*

A mark comes back under its own name when the caller has heard all audio before it; after a ``clear`` those that were
still waiting come back too (Exotel does not say), and nothing else tells that the clear was obeyed. None of them takes
keys on the stream. Numbers are written as texts in some places and as numbers in others; both are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mediasrv.audio.codec import encode
from mediasrv.audio.format import AudioFormat
from mediasrv.wire.events import CarrierFailed, Event, Mark, MarkReached, StreamStarted
from mediasrv.wire.fields import Fields, compose, id_from, name_in, object_in, reason_from, text_in
from mediasrv.wire.gatherer import Gatherer
from mediasrv.wire.headers import raw_headers, read_headers
from mediasrv.wire.mediaformat import read_media_format
from mediasrv.wire.payload import check_samples
from mediasrv.wire.stream import Reader, StreamProtocol

MOST_BYTES = 48_000
"""Largest piece of audio in one message: as base64 it stays below 64 KB. A multiple of every carrier's unit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How a carrier spells what all of them say."""

    stream: str
    """Where a message names its stream."""
    call: str
    """Where ``start`` names the call."""
    parameters: str
    """Where ``start`` has the custom parameters."""
    media_format: str
    sequence: str
    """Where the carrier counts its messages."""
    is_addressed: bool
    """Whether our messages must name the stream."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What audio a carrier takes in one message; sizes in bytes."""

    least: int
    unit: int
    most: int = MOST_BYTES


class MarkedProtocol(StreamProtocol):
    """One stream of such a carrier, seen from our side; see ``CarrierProtocol`` for the duties of the caller."""

    sends_dtmf: ClassVar[bool] = False
    greetings: ClassVar[frozenset[str]] = frozenset({"connected"})
    words: ClassVar[Words]
    formats: ClassVar[Sequence[AudioFormat]]
    """What its streams may be made of, the usual one first."""

    def __init__(self) -> None:
        super().__init__()
        self._gatherer = Gatherer(1, 1, MOST_BYTES, b"")

    @classmethod
    def pieces(cls, audio: AudioFormat) -> Pieces:
        """What the carrier takes of this format: any whole samples."""
        return Pieces(audio.bytes_per_sample, audio.bytes_per_sample)

    def _start(self, fields: Fields) -> tuple[StreamStarted]:
        (started,) = super()._start(fields)
        pieces, silence = self.pieces(started.format), encode(started.format.encoding, np.zeros(1, np.int16))
        self._gatherer = Gatherer(pieces.least, pieces.unit, pieces.most, silence)
        return (started,)

    def _read_start(self, fields: Fields, start: Fields) -> StreamStarted:
        words = self.words
        call_id = id_from(f"start.{words.call}", start.get(words.call))
        stream_id = id_from(f"start.{words.stream}", start.get(words.stream), fields.get(words.stream))
        audio = self._read_format(start.get(words.media_format))
        headers = read_headers(start.get(words.parameters))
        pieces = self.pieces(audio)
        return StreamStarted(
            call_id,
            stream_id,
            audio,
            headers,
            raw_headers(start.get(words.parameters)),
            self._read_number(start.get("from") or headers.get("from")),
            self._read_number(start.get("to") or headers.get("to")),
            pieces.least * 1000 // audio.bytes_in(1000) if pieces.least > audio.bytes_per_sample else 0,
        )

    def _read_format(self, member: object) -> AudioFormat:
        return read_media_format(member, self.formats[0], self.formats)

    def _read_number(self, value: object) -> str:
        return name_in(value) if isinstance(value, str) else ""

    def _reached(self, fields: Fields) -> Sequence[Event]:
        return (MarkReached(text_in(object_in(fields, "mark"), "name")),)

    def _stop(self, fields: Fields) -> Sequence[Event]:
        stop = fields.get("stop")
        return self._end(stop.get("reason") if isinstance(stop, dict) else None)

    def _error(self, fields: Fields) -> Sequence[Event]:
        payload = fields.get("payload")
        return (CarrierFailed(reason_from(payload.get("title") if isinstance(payload, dict) else None)),)

    readers: ClassVar[Mapping[str, Reader]] = {
        "media": StreamProtocol._media,
        "dtmf": StreamProtocol._dtmf,
        "mark": _reached,
        "stop": _stop,
        "error": _error,
    }

    # -- what we say ---------------------------------------------------------------------------------------------

    def _message(self, event: str, **members: object) -> str:
        address = {self.words.stream: self.stream_id} if self.words.is_addressed else {}
        return compose({"event": event, **address, **members})

    def _compose_play_head(self, started: StreamStarted) -> str:
        return self._message("media", media={"payload": ""}).removesuffix('"}}')

    def _compose_clear(self) -> str:
        return self._message("clear")

    def _compose_mark(self, name: str) -> str:
        return self._message("mark", mark={"name": name})

    def _play(self, payload: bytes) -> Sequence[str]:
        check_samples(payload, self._bytes_per_sample)
        return self._compose_all(self._gatherer.add(payload))

    def _mark(self, mark: Mark) -> Sequence[str]:
        self._compose_mark(mark.name)  # what cannot be written is refused before anything has changed
        return self._compose_all(self._gatherer.mark(mark.name, ends=mark.ends_utterance))

    def _drop(self) -> Sequence[str]:
        self._gatherer.clear()
        return (self._clear,)

    def _compose_all(self, pieces: Sequence[bytes | str]) -> Sequence[str]:
        return [self._compose_mark(piece) if isinstance(piece, str) else self._compose_play(piece) for piece in pieces]
