"""ElevenLabs over HTTP: ``POST /v1/text-to-speech/{voice}/stream`` for each phrase.

For texts that are known as a whole it may answer sooner than the WebSocket; a reply in many phrases has its melody
there. Source: ElevenLabs' Python client.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mediasrv.audio.format import L16_16K, AudioFormat
from mediasrv.net.origin import Query
from mediasrv.providers.elevenlabs import ORIGIN, ElevenLabsOptions, ElevenLabsTts, output_format
from mediasrv.providers.httptts import HttpTts


class ElevenLabsHttpTts(HttpTts):
    """ElevenLabs over HTTP."""

    name = "elevenlabs_http"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(ElevenLabsOptions):
        """Keys of ``provider = "elevenlabs_http"``."""

    options: Options

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted if wanted in ElevenLabsTts.formats else L16_16K

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        path = f"/v1/text-to-speech/{quote(self.options.voice, safe='')}/stream"
        return path, {"output_format": output_format(audio)}

    def headers(self) -> Mapping[str, str]:
        return {"xi-api-key": self.options.api_key}

    def body(self, phrase: str, audio: AudioFormat) -> Mapping[str, Any]:
        settings = self.options.voice_settings()
        language = {"language_code": self.options.language} if self.options.language else {}
        manner = {"voice_settings": settings} if settings else {}
        return {"text": phrase, "model_id": self.options.model, **language, **manner}
