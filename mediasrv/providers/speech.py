"""Any server with OpenAI's ``POST /v1/audio/speech``: Kokoro, speaches, Orpheus and others that one hosts oneself.

Its ``pcm`` is 16-bit samples at 24 kHz; the server should begin to send before it has made everything. At OpenAI itself
the models of this interface end on 2027-01-06. Source: OpenAI's Python client and the servers' own documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.httptts import HttpTts
from mediasrv.providers.sockettts import VoiceOptions, check_voice


class SpeechTts(HttpTts):
    """OpenAI's speech interface."""

    name = "speech"
    vendor_url = "https://api.openai.com/v1"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VoiceOptions):
        """Keys of ``provider = "speech"``."""

        url: str = ""
        """The server's; ``/v1`` is added where there is no path."""
        model: str = "kokoro"
        voice: str = "af_heart"
        language: str = ""
        """Decided by the voice."""
        rate_hz: int = 24000
        """Of what the server sends as ``pcm``."""
        ask_rate: bool = False
        """Ask for that rate with ``sample_rate``; for servers that know it, such as speaches."""
        speed: float = 1.0
        """From 0.25 to 4."""
        instructions: str = ""
        """How to speak, for models that take it."""

    options: Options

    def check(self) -> None:
        check_voice(self.options, self.name, needs_key=not self.options.url)  # One's own server may want none.

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return AudioFormat(Encoding.L16, self.options.rate_hz)

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return "/audio/speech", {}

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.options.api_key}"} if self.options.api_key else {}

    def body(self, phrase: str, audio: AudioFormat) -> Mapping[str, Any]:
        options = self.options
        body = {"model": options.model, "input": phrase, "voice": options.voice, "response_format": "pcm"}
        rate = {"sample_rate": options.rate_hz} if options.ask_rate else {}
        manner = {"instructions": options.instructions} if options.instructions else {}
        speed = {"speed": options.speed} if options.speed != 1 else {}
        return {**body, **rate, **manner, **speed}
