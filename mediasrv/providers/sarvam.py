"""Sarvam's realtime recogniser of Indian languages, ``/speech-to-text-realtime/ws``.

The utterances are ours (``endpointing=manual``): audio is sent between ``speech_start`` and ``speech_end`` only, with a
moment from before the start, because it is not said what becomes of the rest. ``speech_end`` brings the final; as the
caller may speak on, the next stretch is begun at once. A ``ping`` goes with it: where there were no words, its answer
is the only sign of life. Source: Sarvam's API reference and SDK.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.dialect import NOTHING, Dialect, Hello, Message, Reading
from mediasrv.providers.loosejson import parse, trimmed, word
from mediasrv.providers.minutes import Piece
from mediasrv.providers.socketstt import RecogniserOptions, SocketStt

_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.L16: "linear16"}
_SPEECH_START = '{"event":"speech_start"}'
_SPEECH_END = '{"event":"speech_end"}'
_PING = '{"event":"ping"}'
_END = '{"event":"end"}'
_RETRYABLE_STATUS = frozenset({408, 429})


class SaarasDialect(Dialect):
    """One session of the realtime endpoint."""

    provider = "sarvam"
    wants_utterances = True
    # 4000: parameters or account refused; 1003: quota, rate or key, where another provider does better.
    fatal = frozenset({1002, 1003, 1007, 4000})

    def __init__(self) -> None:
        self._is_speaking = False

    def audio(self, payload: bytes) -> Message:
        return f'{{"event":"audio_input","audio":"{b64encode(payload).decode()}"}}'

    def begin(self) -> Sequence[Message]:
        if self._is_speaking:
            return NOTHING
        self._is_speaking = True
        return (_SPEECH_START,)

    def finalize(self) -> Sequence[Message]:
        return (*((_SPEECH_END,) if self._is_speaking else NOTHING), _PING, *self._begin_again())

    def _begin_again(self) -> Sequence[Message]:
        self._is_speaking = False
        return self.begin()

    def commit(self, is_dirty: bool) -> Sequence[Message]:
        if not self._is_speaking:
            return NOTHING
        self._is_speaking = False
        return (_SPEECH_END,)

    def keep_alive(self) -> Sequence[Message]:
        return (_PING,)

    def farewell(self) -> Sequence[Message]:
        return (_END,)

    def read(self, message: Message) -> Sequence[Reading]:
        event = parse(message)
        match event.get("event"):
            case "session.begin":
                return (Hello(),)
            case "transcript.partial":
                return (Piece(trimmed(event, "text")),)
            case "transcript.final":
                return (Piece(trimmed(event, "text"), is_final=True, closed=True, answers=True),)
            case "session.end":
                raise self.failure("ended the session", retryable=True)
            case "error" if event.get("is_fatal") is not False:
                status = event.get("status_code")
                retryable = not isinstance(status, int) or status >= 500 or status in _RETRYABLE_STATUS
                raise self.failure(f"reported an error {word(event.get('code'))}".rstrip(), retryable=retryable)
        return NOTHING


class SarvamStt(SocketStt):
    """Sarvam Saaras."""

    name = "sarvam"
    vendor_url = "wss://api.sarvam.ai"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(RecogniserOptions):
        """Keys of ``provider = "sarvam"``."""

        model: str = "saaras:v3-realtime"
        language: str = "auto"
        """Such as ``hi-IN`` or ``en-IN``; ``auto``: whichever is heard."""
        mode: str = "transcribe"
        """``transcribe``, ``translate`` (to English), ``verbatim``, ``translit`` or ``codemix``; of finals only."""
        stream_type: str = "fast"
        """``fast`` or ``balanced``; ``simulated`` gives no interims."""
        final_wait_ms: int = 1200
        """Sarvam's finals are slow: another model than that of its interims writes them."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        options = self.options
        takes_keyterms = options.keyterms and options.model == "saaras:v4"
        return "/speech-to-text-realtime/ws", {
            "language_code": options.language,
            "model": options.model,
            "mode": options.mode,
            "stream_type": options.stream_type,
            "endpointing": "manual",
            "encoding": _ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "keyterms": orjson.dumps(options.keyterms).decode() if takes_keyterms else "",
        }

    def headers(self) -> Mapping[str, str]:
        return {"API-SUBSCRIPTION-KEY": self.options.api_key}

    def dialect(self, audio: AudioFormat) -> Dialect:
        return SaarasDialect()
