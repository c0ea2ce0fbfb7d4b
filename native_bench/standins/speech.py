"""OpenAI's ``/v1/audio/speech``, as servers that one hosts oneself speak it; faults as those of every voice on HTTP.

With ``open=1`` no key is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.httpspeaking import HttpVoiceStandin

KEY = "oa-key"
RATE_HZ = 24000
_FIELDS = {"model", "input", "voice", "response_format", "speed", "instructions", "stream_format", "sample_rate"}
_LONGEST_TEXT = 4096


class SpeechStandin(HttpVoiceStandin):
    """The speech interface."""

    name: ClassVar[str] = "speech"
    path = "/v1/audio/speech"

    def __init__(self, *, open: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.is_open = bool(open)

    def admit(self, request: web.Request, body: Mapping[str, Any]) -> tuple[str, AudioFormat]:
        self.require(self.is_open or request.headers.get("Authorization") == f"Bearer {KEY}", 401, "invalid_api_key")
        unknown = sorted(set(body) - _FIELDS)
        self.require(not unknown, 400, f"unknown fields: {', '.join(unknown)}")
        text = body.get("input")
        self.require(isinstance(text, str) and 0 < len(text) <= _LONGEST_TEXT, 400, "an input is needed")
        self.require(bool(body.get("model")) and bool(body.get("voice")), 400, "a model and a voice are needed")
        self.require(0.25 <= body.get("speed", 1) <= 4, 400, "speed is out of bounds")
        self.require(body.get("response_format") == "pcm", 400, "only pcm is made here")
        return str(text), AudioFormat(Encoding.L16, body.get("sample_rate", RATE_HZ))
