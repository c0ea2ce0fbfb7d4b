"""ElevenLabs Scribe realtime, ``/v1/speech-to-text/realtime``: text that is final when we commit it.

``partial_transcript`` is all that was said since the last commit. With times or languages asked for, each commit is
answered twice; neither is asked for here, and the second answer would be passed over. Errors are messages, and some of
them mean only that there was nothing to commit. Source: ElevenLabs' SDK.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.net.origin import Query
from mediasrv.providers.dialect import NOTHING, NOTHING_TO_SAY, Dialect, Hello, Message, Reading
from mediasrv.providers.loosejson import parse, trimmed
from mediasrv.providers.minutes import Piece
from mediasrv.providers.silence import silence
from mediasrv.providers.socketstt import RecogniserOptions, SocketStt

_FORMATS = {MULAW_8K: "ulaw_8000", L16_8K: "pcm_8000", L16_16K: "pcm_16000"}
# Kinds of error, and whether the same request may succeed another time.
_ERRORS = {
    "error": True,
    "auth_error": False,
    "quota_exceeded": False,
    "unaccepted_terms": False,
    "unaccepted_terms_error": False,
    "rate_limited": True,
    "queue_overflow": True,
    "resource_exhausted": True,
    "session_time_limit_exceeded": True,
    "input_error": False,
    "invalid_request": False,
    "chunk_size_exceeded": False,
    "transcriber_error": True,
}
_EMPTY = ("commit_throttled", "insufficient_audio_activity")


class ScribeDialect(Dialect):
    """One session of the realtime endpoint."""

    provider = "scribe"
    silence_ms = 100

    def __init__(self, audio: AudioFormat) -> None:
        self._rate_hz = audio.rate_hz
        self._silence = silence(audio, self.silence_ms)

    def audio(self, payload: bytes) -> Message:
        return self._chunk(payload, commit=False)

    def finalize(self) -> Sequence[Message]:
        return (self._chunk(b"", commit=True),)

    def keep_alive(self) -> Sequence[Message]:
        return (self._chunk(self._silence, commit=False),)

    def _chunk(self, payload: bytes, *, commit: bool) -> Message:
        return (
            f'{{"message_type":"input_audio_chunk","audio_base_64":"{b64encode(payload).decode()}",'
            f'"commit":{"true" if commit else "false"},"sample_rate":{self._rate_hz}}}'
        )

    def read(self, message: Message) -> Sequence[Reading]:
        event = parse(message)
        kind = event.get("message_type")
        match kind:
            case "session_started":
                return (Hello(),)
            case "partial_transcript":
                return (Piece(trimmed(event, "text")),)
            case "committed_transcript":
                return (Piece(trimmed(event, "text"), is_final=True, closed=True, answers=True),)
            case str() if kind in _EMPTY:
                return (NOTHING_TO_SAY,)
            case str() if kind in _ERRORS:
                raise self.failure(f"reported {kind}", retryable=_ERRORS[kind])
        return NOTHING


class ScribeStt(SocketStt):
    """ElevenLabs Scribe."""

    name = "scribe"
    vendor_url = "wss://api.elevenlabs.io"
    formats: ClassVar[Sequence[AudioFormat]] = tuple(_FORMATS)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(RecogniserOptions):
        """Keys of ``provider = "scribe"``."""

        model: str = "scribe_v2_realtime"
        language: str = ""
        """ISO 639 code; empty: whichever is heard."""
        no_verbatim: bool = False
        """Without filler words and false starts."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        options = self.options
        return "/v1/speech-to-text/realtime", {
            "model_id": options.model,
            "audio_format": _FORMATS[audio],
            "commit_strategy": "manual",
            "language_code": options.language,
            "no_verbatim": options.no_verbatim or "",
            "keyterms": options.keyterms,
        }

    def headers(self) -> Mapping[str, str]:
        return {"xi-api-key": self.options.api_key}

    def dialect(self, audio: AudioFormat) -> Dialect:
        return ScribeDialect(audio)
