"""AssemblyAI streaming v3, ``/v3/ws``: turns that end on ``ForceEndpoint`` or by themselves.

``Turn`` carries the text of the whole turn; ``end_of_turn`` ends it. With the older models a turn may end twice, first
without and then with formatting: the second is told by its ``turn_order`` and left out. Messages of audio must be 50 to
1000 ms long and must not come faster than real time, or the session ends with 3007; sessions that are not terminated
are billed for hours. Source: AssemblyAI's API specification and SDK.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import HintKind
from mediasrv.providers.dialect import NOTHING, Dialect, Hello, Message, Reading
from mediasrv.providers.loosejson import parse, span_ms, trimmed
from mediasrv.providers.minutes import Piece
from mediasrv.providers.socketstt import RecogniserOptions, SocketStt

# The vendor's date of the protocol that is spoken here.
_VERSION = "2025-05-12"
_ENCODINGS = {Encoding.MULAW: "pcm_mulaw", Encoding.L16: "pcm_s16le"}
_FORCE_ENDPOINT = '{"type":"ForceEndpoint"}'
_KEEP_ALIVE = '{"type":"KeepAlive"}'
_TERMINATE = '{"type":"Terminate"}'
# What the same session would meet again: 3006 a message of ours, 4001 the key, 4002 and 4003 the account, 4100 and
# 4101 a message of ours, as the SDK's table has them.
_FATAL = frozenset({1008, 3006, 4000, 4001, 4002, 4003, 4100, 4101})


class UniversalDialect(Dialect):
    """One session of ``/v3/ws``."""

    provider = "assemblyai"
    least_ms = 50
    speed = 1.0
    burst_ms = 1000
    replay_ms = 2000
    # A cough makes no turn, and how often heartbeats come is not told; so much without either is no cough.
    noise_ms = 800
    fatal = _FATAL

    def __init__(self, *, eager: bool) -> None:
        """``eager``: an interim means that the caller paused."""
        self._eager = eager
        self._forced = 0
        self._ended = -1

    def finalize(self) -> Sequence[Message]:
        self._forced += 1
        return (_FORCE_ENDPOINT,)

    def keep_alive(self) -> Sequence[Message]:
        return (_KEEP_ALIVE,)

    def farewell(self) -> Sequence[Message]:
        return (_TERMINATE,)

    def read(self, message: Message) -> Sequence[Reading]:
        event = parse(message)
        match event.get("type"):
            case "Begin":
                return (Hello(),)
            case "Turn":
                return self._read_turn(event)
            case "Termination":
                raise self.failure("ended the session", retryable=True)
            case "Error":
                raise self._error(event)
            case None if "error" in event:
                raise self._error(event)
        return NOTHING

    def _read_turn(self, event: Mapping[str, Any]) -> Sequence[Reading]:
        order, (start, end) = event.get("turn_order"), span_ms(event, "words", 1)
        ends = event.get("end_of_turn") is True
        if isinstance(order, int):
            if order <= self._ended:
                return NOTHING
            self._ended = order if ends else self._ended
        hint = HintKind.EAGER_END if self._eager else None
        if ends:
            # Nothing tells a turn that we ended from one that ended by itself at the same moment.
            hint = None if self._forced else HintKind.END
            self._forced = 0
        transcript = trimmed(event, "transcript") or trimmed(event, "utterance")
        return (Piece(transcript, ends, ends, answers=ends, start_ms=start, end_ms=end, covers_ms=end, hint=hint),)

    def _error(self, event: Mapping[str, Any]) -> Exception:
        code = event.get("error_code")
        code = code if isinstance(code, int) else 0
        return self.failure(f"reported an error {code or ''}".rstrip(), retryable=code not in self.fatal)


class AssemblyAiStt(SocketStt):
    """AssemblyAI's streaming models."""

    name = "assemblyai"
    vendor_url = "wss://streaming.assemblyai.com"
    formats: ClassVar[Sequence[AudioFormat]] = (MULAW_8K, L16_8K, L16_16K)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(RecogniserOptions):
        """Keys of ``provider = "assemblyai"``."""

        model: str = ""
        """Empty: ``universal-streaming-english`` for English, else ``universal-streaming-multilingual``."""
        format_turns: bool = False
        """Punctuation and case in finals, where the model does not give them anyway."""
        min_turn_silence_ms: int = 400
        """Silence after which AssemblyAI itself looks for the end of a turn; we ask for it sooner."""
        max_turn_silence_ms: int = 1280
        """Silence that ends a turn in any case."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        options = self.options
        is_english = options.language.partition("-")[0] == "en"
        multilingual = "universal-streaming-multilingual"
        return "/v3/ws", {
            "speech_model": options.model or ("universal-streaming-english" if is_english else multilingual),
            "encoding": _ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "format_turns": options.format_turns,
            "min_turn_silence": options.min_turn_silence_ms,
            "max_turn_silence": options.max_turn_silence_ms,
            # The sign of life of a session in which nothing is made out.
            "session_heartbeat": True,
            "keyterms_prompt": orjson.dumps(options.keyterms).decode() if options.keyterms else "",
        }

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": self.options.api_key, "AssemblyAI-Version": _VERSION}

    def dialect(self, audio: AudioFormat) -> Dialect:
        # These models run at a pause, and write an interim where they do not find that the turn is over.
        return UniversalDialect(eager=self.options.model.startswith(("u3", "universal-3")))
