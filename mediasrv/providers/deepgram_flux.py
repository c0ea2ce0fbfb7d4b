"""Deepgram Flux, ``/v2/listen``: a recogniser that follows turns.

``TurnInfo`` carries the text of the whole turn: it is never joined. ``EagerEndOfTurn`` says that the turn may well be
over; its text stands unless ``TurnResumed`` follows. ``EndOfTurn`` ends it, by the model's own judgement, by time, or
because we said ``ForceEndTurn``; the caller who speaks on begins the next one. There is no ``KeepAlive``: silence is
sent instead. Source: Deepgram's API specification and its guides to Flux.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.net.origin import Query
from mediasrv.providers.base import HintKind
from mediasrv.providers.deepgram import CATCH_UP_SPEED, CLOSE_STREAM, ENCODINGS, ORIGIN, REPLAY_MS, credentials
from mediasrv.providers.dialect import NOTHING, Dialect, Hello, Message, Reading
from mediasrv.providers.loosejson import ms, parse, span_ms, trimmed, word
from mediasrv.providers.minutes import Piece
from mediasrv.providers.silence import silence
from mediasrv.providers.socketstt import RecogniserOptions, SocketStt

_FORCE_END_TURN = '{"type":"ForceEndTurn"}'
_HINTS = {
    "EagerEndOfTurn": HintKind.EAGER_END,
    "TurnResumed": HintKind.RESUMED,
    "EndOfTurn": HintKind.END,
}


class FluxDialect(Dialect):
    """One session of ``/v2/listen``."""

    provider = "deepgram_flux"
    chunk_ms = quiet_chunk_ms = 80  # strongly recommended
    speed = CATCH_UP_SPEED
    burst_ms = 1000
    replay_ms = REPLAY_MS
    silence_ms = 100

    def __init__(self, audio: AudioFormat) -> None:
        self._silence = silence(audio, self.silence_ms)

    def finalize(self) -> Sequence[Message]:
        return (_FORCE_END_TURN,)

    def keep_alive(self) -> Sequence[Message]:
        return (self._silence,)

    def farewell(self) -> Sequence[Message]:
        return (CLOSE_STREAM,)

    def read(self, message: Message) -> Sequence[Reading]:
        event = parse(message)
        match event.get("type"):
            case "Connected":
                return (Hello(),)
            case "TurnInfo":
                return (self._read_turn(event),)
            case "Error":
                raise self.failure(f"reported an error {word(event.get('code'))}".rstrip(), retryable=True)
        return NOTHING

    def _read_turn(self, event: Mapping[str, Any]) -> Piece:
        kind, (start, end) = str(event.get("event")), span_ms(event, "words", 1000)
        window_start, window_end = ms(event, "audio_window_start", 1000), ms(event, "audio_window_end", 1000)
        answers = event.get("trigger") == "manual"
        return Piece(
            trimmed(event, "transcript"),
            is_final=kind in ("EagerEndOfTurn", "EndOfTurn"),
            closed=kind == "EndOfTurn",
            answers=answers,
            start_ms=window_start if start is None else start,
            end_ms=window_end if end is None else end,
            covers_ms=window_end,
            hint=None if answers else _HINTS.get(kind),
        )


class DeepgramFluxStt(SocketStt):
    """Deepgram Flux."""

    name = "deepgram_flux"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(RecogniserOptions):
        """Keys of ``provider = "deepgram_flux"``."""

        model: str = ""
        """Empty: ``flux-general-en`` for English, else ``flux-general-multi``."""
        eot_threshold: float = 0.7
        """Confidence, 0.5 to 1.0, at which the turn is over."""
        eager_eot_threshold: float = 0.5
        """Confidence, 0.3 to 0.9 and not above the other, at which it is probably over; 0: never."""
        eot_timeout_ms: int = 5000
        """Silence after which it is over whatever the model thinks."""
        numerals: bool = False
        """Numbers in figures."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        options = self.options
        is_english = options.language.partition("-")[0] == "en"
        model = options.model or ("flux-general-en" if is_english else "flux-general-multi")
        hints = (options.language,) if model.endswith("-multi") and options.language != "multi" else ()
        return "/v2/listen", {
            "model": model,
            "encoding": ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "eot_threshold": options.eot_threshold,
            "eager_eot_threshold": options.eager_eot_threshold or "",
            "eot_timeout_ms": options.eot_timeout_ms,
            "numerals": options.numerals or "",
            "keyterm": options.keyterms,
            "language_hint": hints,
        }

    def headers(self) -> Mapping[str, str]:
        return credentials(self.options.api_key)

    def dialect(self, audio: AudioFormat) -> Dialect:
        return FluxDialect(audio)
