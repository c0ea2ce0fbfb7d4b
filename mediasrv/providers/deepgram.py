"""Deepgram Nova, ``/v1/listen``: segments with times, final when we say ``Finalize``.

A segment is rewritten by interim results until ``is_final``. ``from_finalize`` marks the answer to ours, which does not
come when little audio was buffered; so a final that covers our request is taken for it too. ``speech_final`` tells of
a silence, which we measure ourselves, and nothing of what was said before it: it is no opinion that the turn is over.
``UtteranceEnd`` is one, in noise that keeps ``speech_final`` from ever coming: no word has come for a second.
Source: Deepgram's API specification and its guides to finals, ``Finalize`` and ``KeepAlive``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import HintKind, TurnHint
from mediasrv.providers.dialect import NOTHING, Dialect, Message, Reading
from mediasrv.providers.loosejson import first, ms, parse, span_ms, table, trimmed, word
from mediasrv.providers.minutes import Piece
from mediasrv.providers.socketstt import RecogniserOptions, SocketStt

ORIGIN = "wss://api.deepgram.com"
ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.L16: "linear16"}
# Faster than this is throttled, and beyond two seconds a live call would never catch up.
CATCH_UP_SPEED = 1.25
REPLAY_MS = 2500

_KEEP_ALIVE = '{"type":"KeepAlive"}'
_FINALIZE = '{"type":"Finalize"}'
CLOSE_STREAM = '{"type":"CloseStream"}'


def credentials(api_key: str) -> Mapping[str, str]:
    """The header that Deepgram knows an account by."""
    return {"Authorization": f"Token {api_key}"}


class NovaDialect(Dialect):
    """One session of ``/v1/listen``."""

    provider = "deepgram"
    greets = False
    # Its interims come as much later, at most. Its finals do not, as a wish for one takes along what there is; and it
    # says nothing of short pauses. In rehearsals latency and cut-ins are those of half of this.
    chunk_ms = 120
    speed = CATCH_UP_SPEED
    burst_ms = 1000
    replay_ms = REPLAY_MS

    def __init__(self) -> None:
        self._is_over = True  # whether the vendor said of the words so far that the caller has stopped
        self._is_blank = False  # whether the last result was an interim without words: another one is no news

    def finalize(self) -> Sequence[Message]:
        return (_FINALIZE,)

    def keep_alive(self) -> Sequence[Message]:
        return (_KEEP_ALIVE,)

    def farewell(self) -> Sequence[Message]:
        return (CLOSE_STREAM,)

    def read(self, message: Message) -> Sequence[Reading]:
        event = parse(message)
        match event.get("type"):
            case "Results":
                return self._read_results(event)
            case "UtteranceEnd" if not self._is_over:
                self._is_over = True
                return (TurnHint(HintKind.END),)
            case "Error":
                kind = word(event.get("variant")) or word(event.get("code"))
                raise self.failure(f"reported an error {kind}".rstrip(), retryable=kind != "SchemaError")
        return NOTHING

    def _read_results(self, event: Mapping[str, Any]) -> Sequence[Reading]:
        said = first(table(event, "channel"), "alternatives")
        transcript, is_final = trimmed(said, "transcript"), event.get("is_final") is True
        answers = event.get("from_finalize") is True
        was_blank, self._is_blank = self._is_blank, not (transcript or is_final or answers)
        if was_blank and self._is_blank:
            return NOTHING
        start_ms, end_ms = span_ms(said, "words", 1000)
        start, duration = ms(event, "start", 1000), ms(event, "duration", 1000)
        if transcript:
            self._is_over = answers or event.get("speech_final") is True
        piece = Piece(
            transcript,
            is_final=is_final,
            closed=is_final,
            answers=answers,
            start_ms=start_ms,
            end_ms=end_ms,
            covers_ms=None if start is None or duration is None else start + duration,
        )
        return (piece,)


class DeepgramStt(SocketStt):
    """Deepgram Nova."""

    name = "deepgram"
    vendor_url = ORIGIN
    renews_finals = True

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(RecogniserOptions):
        """Keys of ``provider = "deepgram"``."""

        model: str = "nova-3"
        language: str = "en"
        """``multi``: several languages in turn."""
        endpointing_ms: int = 300
        """Silence after which Deepgram by itself makes final what was said; we ask for it sooner."""
        utterance_end_ms: int = 1000
        """Gap between words that ends an utterance even in noise; at least 1000, 0: never."""
        punctuate: bool = True
        smart_format: bool = False
        """Numbers and dates in figures; may hold finals back while one is being spoken."""
        numerals: bool = False
        """Numbers in figures."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        options = self.options
        takes_keyterms = options.model.startswith("nova-3")
        return "/v1/listen", {
            "model": options.model,
            "language": options.language,
            "encoding": ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "channels": 1,
            "interim_results": True,
            "endpointing": options.endpointing_ms or False,
            "utterance_end_ms": options.utterance_end_ms or "",
            "punctuate": options.punctuate,
            "smart_format": options.smart_format,
            "numerals": options.numerals,
            "keyterm" if takes_keyterms else "keywords": options.keyterms,
        }

    def headers(self) -> Mapping[str, str]:
        return credentials(self.options.api_key)

    def dialect(self, audio: AudioFormat) -> Dialect:
        return NovaDialect()
