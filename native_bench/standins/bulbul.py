"""Sarvam's ``/text-to-speech/ws``; faults as those of every voice that speaks in segments.

It has no way to cancel, so ``afterlife`` is how it is. ``wav`` puts a header before each segment's audio.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from mediasrv.audio.format import MULAW_8K, Encoding
from native_bench.standins.base import Message, Peer
from native_bench.standins.speaking import SegmentSession, VoiceStandin, audio_named

KEY = "sv-key"
_CODECS = {"mulaw": Encoding.MULAW, "alaw": Encoding.ALAW, "linear16": Encoding.L16}
_CONFIG = (
    "model language_code speaker pitch pace loudness temperature speech_sample_rate enable_preprocessing "
    "output_audio_codec output_audio_bitrate dict_id min_buffer_size max_chunk_length"
)
_LONGEST_TEXT = 2500


class BulbulStandin(VoiceStandin):
    """Bulbul."""

    name: ClassVar[str] = "bulbul"
    path = "/text-to-speech/ws"
    idle_limit_s = 60.0

    def __init__(self, *, wav: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.has_header = bool(wav)

    def admit(self, request: web.Request) -> None:
        self.require(request.headers.get("api-subscription-key") == KEY, 403, "invalid_api_key_error")
        self.require_known(request.query, {"model", "send_completion_event"})
        self.require(request.query.get("model", "bulbul:v2").startswith("bulbul:"), 400, "unknown model")

    async def serve(self, peer: Peer) -> None:
        await _Socket(self, peer).run()


class _Socket(SegmentSession):
    def __init__(self, standin: BulbulStandin, peer: Peer) -> None:
        super().__init__(standin, peer, MULAW_8K, (1000, "timeout"))
        self.standin = standin
        self.is_configured = False
        self.text = ""
        self.header = b""

    async def receive(self, message: Message) -> bool:
        command = orjson.loads(message)
        data = command.get("data", {})
        match command.get("type"):
            case "config":
                return await self._configure(data)
            case "text" if self.is_configured and 0 < len(data.get("text", "")) <= _LONGEST_TEXT:
                self.text += data["text"]
            case "flush" if self.is_configured:
                text, self.text = self.text, ""
                self.voice.say(partial(self._speak, text))
            case "ping":
                self.standin.kept_alive += 1
            case kind:
                return await self._refuse(f"bad message {kind!r}")
        return True

    async def give(self, payload: bytes) -> None:
        audio, self.header = self.header + payload, b""
        data = {"content_type": "audio/basic", "audio": b64encode(audio).decode(), "request_id": "r1"}
        await self.peer.say({"type": "audio", "data": data})

    async def fail(self, kind: str) -> None:
        data = {"message": f"broken with {KEY}", "code": self.peer.fault.status, "request_id": "r1"}
        await self.peer.say({"type": "error", "data": data})

    async def _configure(self, data: Mapping[str, Any]) -> bool:
        unknown = sorted(set(data) - set(_CONFIG.split()))
        fits = "-" in data.get("language_code", "") and data.get("speaker") and data.get("pace", 1) > 0
        rate = data.get("speech_sample_rate", 22050)
        if unknown or not fits or data.get("output_audio_codec") not in _CODECS or rate not in (8000, 16000, 24000):
            return await self._refuse(f"bad config {unknown}")
        self.audio = audio_named(data["output_audio_codec"], rate, _CODECS)
        self.is_configured = True
        return True

    async def _speak(self, text: str) -> None:
        self.header = b"RIFF\0\0\0\0WAVEfmt data\0\0\0\0" if self.standin.has_header else b""
        await self.utter(text)
        if self.peer.request.query.get("send_completion_event") == "true":
            event = {"event_type": "final", "timestamp": "2026-11-21T00:00:00Z"}
            await self.peer.say({"type": "event", "data": event})

    async def _refuse(self, text: str) -> bool:
        self.standin.complain(text)
        await self.peer.say({"type": "error", "data": {"message": text, "code": 422, "request_id": "r1"}})
        await self.peer.close(1003, "invalid")
        return False
