"""Cartesia's ``/tts/websocket``.

Faults besides those of every stand-in: ``error`` (an error of ``status`` behind ``after`` chunks), ``untimed`` (no
timestamps come), ``late`` (timestamps come ``delay_s`` late), ``afterlife`` (what was cancelled is spoken to its end).
A context expires ``context_s`` after its last audio, a socket that is not used for ``idle_s`` is closed.
"""

from __future__ import annotations

import asyncio
import re
from base64 import b64encode
from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.base import Message, Peer
from native_bench.standins.speaking import Speaker, VoiceSession, VoiceStandin, audio_named

KEY = "ca-key"
VOICE = "694f9389-aac1-45b6-b726-9d9369183238"
_ENCODINGS = {"pcm_mulaw": Encoding.MULAW, "pcm_alaw": Encoding.ALAW, "pcm_s16le": Encoding.L16}
_FIELDS = (
    "context_id model_id transcript continue voice language add_timestamps add_phoneme_timestamps flush cancel "
    "use_normalized_timestamps max_buffer_delay_ms output_format duration speed generation_config "
    "pronunciation_dict_id pronunciation_dict_ids"
)
_CHANGING = ("transcript", "continue", "flush")


class CartesiaStandin(VoiceStandin):
    """Sonic."""

    name: ClassVar[str] = "cartesia"
    path = "/tts/websocket"
    idle_limit_s = 300.0

    def __init__(self, *, context_s: float = 1.0, **options: Any) -> None:
        super().__init__(**options)
        self.context_s = context_s

    def admit(self, request: web.Request) -> None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ") or request.headers.get("X-API-Key")
        self.require((key or request.query.get("api_key")) == KEY, 401, "Invalid API key")
        version = request.headers.get("Cartesia-Version", "") or request.query.get("cartesia_version", "")
        self.require(re.fullmatch(r"20\d\d-\d\d-\d\d", version) is not None, 400, "a version is needed")

    async def serve(self, peer: Peer) -> None:
        await _Socket(self, peer).run()


class _Context:
    """What is known of one context."""

    def __init__(self, fixed: Mapping[str, Any], audio: AudioFormat, speaker: Speaker) -> None:
        self.fixed, self.audio, self.speaker = fixed, audio, speaker
        self.spoken_chars = 0
        self.chunks = 0
        self.is_ended = False
        self.expiry: asyncio.Task[None] | None = None

    def put_off(self, expiry: asyncio.Task[None] | None) -> None:
        """Let it expire at another time, or not at all."""
        if self.expiry is not None:
            self.expiry.cancel()
        self.expiry = expiry


class _Socket(VoiceSession):
    def __init__(self, standin: CartesiaStandin, peer: Peer) -> None:
        super().__init__(standin, peer)
        self.standin = standin
        self.contexts: dict[str, _Context] = {}

    async def receive(self, message: Message) -> bool:
        request = orjson.loads(message)
        name = request.get("context_id", "")
        if request.get("cancel") is True:
            self._cancel(name)
            return True
        if fault := self._fault_of(request):
            self.standin.complain(fault)
            await self._error(name, 400, "invalid_request")
            return True
        context = self._open(name, request)
        if request["transcript"]:
            self.standin.transcripts.append(request["transcript"])
            context.speaker.say(partial(self._speak, name, context, request["transcript"]))
        if not request.get("continue", False):
            context.is_ended = True
            context.speaker.say(partial(self._end, name))
        return True

    def _fault_of(self, request: Mapping[str, Any]) -> str:
        if unknown := set(request) - set(_FIELDS.split()):
            return f"unknown fields: {', '.join(sorted(unknown))}"
        output, voice = request.get("output_format", {}), request.get("voice")
        voice_id = voice.get("id") if isinstance(voice, dict) else voice
        fixed = {key: value for key, value in request.items() if key not in _CHANGING}
        known = self.contexts.get(request.get("context_id", ""))
        checks = {
            "a context needs a name": re.fullmatch(r"[\w-]+", request.get("context_id", "")),
            "a transcript is needed": isinstance(request.get("transcript"), str),
            "a model is needed": request.get("model_id"),
            "unknown voice": voice_id == VOICE,
            "the container must be raw": output.get("container") == "raw",
            "unknown encoding": output.get("encoding") in _ENCODINGS,
            "a sample rate is needed": output.get("sample_rate") in (8000, 16000, 22050, 24000, 44100, 48000),
            "max_buffer_delay_ms is out of bounds": 0 <= request.get("max_buffer_delay_ms", 3000) <= 5000,
            "a context's fields must stay as they are": known is None or known.fixed == fixed,
            "the context has ended": known is None or not known.is_ended,
        }
        return next((text for text, fits in checks.items() if not fits), "")

    def _open(self, name: str, request: Mapping[str, Any]) -> _Context:
        if name not in self.contexts:
            output = request["output_format"]
            audio = audio_named(output["encoding"], output["sample_rate"], _ENCODINGS)
            fixed = {key: value for key, value in request.items() if key not in _CHANGING}
            self.contexts[name] = _Context(fixed, audio, self.speaker())
        context = self.contexts[name]
        context.put_off(None)
        return context

    def _cancel(self, name: str) -> None:
        self.standin.cancelled += 1
        context = self.contexts.get(name)
        if context is not None and self.peer.fault.kind != "afterlife":
            self.contexts.pop(name).speaker.stop()

    async def _speak(self, name: str, context: _Context, transcript: str) -> None:
        await asyncio.sleep(self.standin.first_s)
        kind = self.peer.fault.kind
        if context.fixed.get("add_timestamps") and kind != "untimed":
            times = self._timestamps(name, context, transcript)
            if kind == "late":
                self.later(self.peer.fault.delay_s, partial(self.peer.say, times))
            else:
                await self.peer.say(times)
        audio = self.standin.audio_of(transcript, context.audio, context.spoken_chars)
        step = context.audio.bytes_in(self.standin.chunk_ms)
        for at in range(0, len(audio), step):
            if self.peer.fault.kind == "error" and context.chunks >= self.peer.fault.after:
                await self._error(name, self.peer.fault.status, self.peer.fault.reason or "internal_error")
                self.contexts.pop(name, None)
                return
            data = b64encode(audio[at : at + step]).decode()
            chunk = {"type": "chunk", "context_id": name, "data": data, "done": False}
            await self.peer.say({**chunk, "status_code": 206, "step_time": 31.2})
            context.chunks += 1
            await asyncio.sleep(self.standin.gap_s)
        context.spoken_chars += len(transcript)
        context.put_off(self.later(self.standin.context_s, partial(self._end, name)))

    def _timestamps(self, name: str, context: _Context, transcript: str) -> dict[str, Any]:
        found = list(re.finditer(r"\S+", transcript))
        times = [
            [(context.spoken_chars + at) * self.standin.char_ms / 1000 for at in edge]
            for edge in ([each.start() for each in found], [each.end() for each in found])
        ]
        words = {"words": [each.group() for each in found], "start": times[0], "end": times[1]}
        said = {"type": "timestamps", "context_id": name, "done": False, "status_code": 206}
        return {**said, "word_timestamps": words}

    async def _end(self, name: str) -> None:
        context = self.contexts.pop(name, None)
        if context is not None:
            await self.peer.say({"type": "done", "context_id": name, "done": True, "status_code": 200})

    async def _error(self, name: str, status: int, code: str) -> None:
        error = {"type": "error", "title": "Broken", "message": f"broken with {KEY}", "error_code": code}
        told = {"context_id": name, "status_code": status, "done": True, "request_id": "r1", "doc_url": ""}
        await self.peer.say({**error, **told})
