"""ElevenLabs' ``/v1/text-to-speech/{voice}/stream``; faults as those of every voice on HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from mediasrv.audio.format import AudioFormat
from native_bench.standins.elevenlabs import admit_elevenlabs, check_settings
from native_bench.standins.httpspeaking import HttpVoiceStandin

_PARAMETERS = "output_format optimize_streaming_latency enable_logging"
_FIELDS = (
    "text model_id language_code voice_settings previous_text next_text previous_request_ids next_request_ids seed "
    "pronunciation_dictionary_locators use_pvc_as_ivc apply_text_normalization apply_language_text_normalization"
)


class ElevenLabsHttpStandin(HttpVoiceStandin):
    """The stream over HTTP."""

    name: ClassVar[str] = "elevenlabs_http"
    path = "/v1/text-to-speech/{voice}/stream"

    def admit(self, request: web.Request, body: Mapping[str, Any]) -> tuple[str, AudioFormat]:
        audio = admit_elevenlabs(self, request, _PARAMETERS)
        unknown = sorted(set(body) - set(_FIELDS.split()))
        self.require(not unknown, 422, f"unknown fields: {', '.join(unknown)}")
        self.require(isinstance(body.get("text"), str) and body["text"] != "", 422, "a text is needed")
        fault = check_settings(body.get("voice_settings") or {})
        self.require(not fault, 422, fault)
        return str(body["text"]), audio
