"""ElevenLabs' ``/v1/text-to-speech/{voice}/multi-stream-input``.

Faults besides those of every stand-in: ``error`` (an error of kind ``reason`` behind ``after`` chunks), ``untimed`` (no
alignment comes), ``afterlife`` (what was cancelled is spoken to its end, late). A socket that
is not used for ``idle_s`` is closed.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.base import Message, Peer, Standin
from native_bench.standins.speaking import CHAR_MS, Speaker, VoiceSession, VoiceStandin, audio_named

KEY = "el-key"
VOICE = "JBFqnCBsd6RMkjVDRZzb"
_ENCODINGS = {"ulaw": Encoding.MULAW, "alaw": Encoding.ALAW, "pcm": Encoding.L16}
_RATES = {"ulaw": (8000,), "alaw": (8000,), "pcm": (8000, 16000, 22050, 24000, 32000, 44100, 48000)}
_PARAMETERS = (
    "model_id language_code enable_logging enable_ssml_parsing output_format inactivity_timeout sync_alignment "
    "auto_mode apply_text_normalization apply_language_text_normalization seed authorization"
)
_FIELDS = (
    "text context_id voice_settings generation_config pronunciation_dictionary_locators xi-api-key authorization flush "
    "close_context close_socket"
)
_ENDS = (".", "?", "!")
_SETTINGS = {"stability": 1.0, "similarity_boost": 1.0, "style": 1.0, "speed": 1.2, "use_speaker_boost": 1}


def admit_elevenlabs(standin: Standin, request: web.Request, parameters: str) -> AudioFormat:
    """What both of the vendor's services ask of a request; the format that is wanted."""
    standin.require(request.headers.get("xi-api-key") == KEY, 401, "invalid_api_key")
    standin.require(request.match_info["voice"] == VOICE, 404, "voice_not_found")
    standin.require_known(request.query, parameters.split())
    encoding, _, rate = request.query.get("output_format", "mp3_44100_128").partition("_")
    fits = encoding in _ENCODINGS and rate.isdigit() and int(rate) in _RATES[encoding]
    standin.require(fits, 400, "invalid output_format")
    return audio_named(encoding, rate, _ENCODINGS)


def check_settings(settings: Mapping[str, Any]) -> str:
    """What is wrong with a voice's settings; empty when nothing is."""
    wrong = [key for key, value in settings.items() if key not in _SETTINGS or not 0 <= value <= _SETTINGS[key]]
    return f"wrong voice settings: {', '.join(sorted(wrong))}" if wrong else ""


class ElevenLabsStandin(VoiceStandin):
    """The multi-context WebSocket."""

    name: ClassVar[str] = "elevenlabs"
    path = "/v1/text-to-speech/{voice}/multi-stream-input"
    idle_limit_s = 20.0

    def __init__(self, *, lenient: int = 0, **options: Any) -> None:
        """``lenient=1``: what comes for a context that is closed is dropped, and is no reason to hang up.

        The vendor does not say what becomes of it, and clients of others count on that.
        """
        super().__init__(**options)
        self.is_lenient = bool(lenient)

    def admit(self, request: web.Request) -> None:
        admit_elevenlabs(self, request, _PARAMETERS)
        self.require(request.query.get("model_id", "") not in ("", "eleven_v3"), 400, "model_not_found")
        timeout = request.query.get("inactivity_timeout", "20")
        self.require(timeout.isdigit() and 1 <= int(timeout) <= 180, 400, "invalid inactivity_timeout")

    async def serve(self, peer: Peer) -> None:
        await _Socket(self, peer).run()


class _Context:
    def __init__(self, speaker: Speaker) -> None:
        self.speaker = speaker
        self.text = ""
        self.spoken_chars = 0
        self.chunks = 0
        self.is_closed = False


class _Socket(VoiceSession):
    def __init__(self, standin: ElevenLabsStandin, peer: Peer) -> None:
        super().__init__(standin, peer, (1008, "input_timeout_exceeded"))
        self.standin = standin
        query = peer.request.query
        encoding, rate = query["output_format"].split("_")
        self.audio = audio_named(encoding, rate, _ENCODINGS)
        self.is_auto = query.get("auto_mode") == "true"
        self.is_timed = query.get("sync_alignment") == "true" and peer.fault.kind != "untimed"
        self.contexts: dict[str, _Context] = {}
        self.closed: set[str] = set()

    async def receive(self, message: Message) -> bool:
        request = orjson.loads(message)
        if request.get("close_socket"):
            return False
        name = request.get("context_id")
        if name is None and request.get("text") == "":
            self.standin.kept_alive += 1
            return True
        if self.standin.is_lenient and (name in self.closed or self._closes_nothing(request)):
            return True
        if fault := self._fault_of(request):
            self.standin.complain(fault)
            await self.peer.say({"message": f"{fault} {KEY}", "error": "invalid_message", "code": 1008})
            await self.peer.close(1008, "invalid_message")
            return False
        if name not in self.contexts:
            self.contexts[name] = _Context(self.speaker())
        context = self.contexts[name]
        context.text += request.get("text", "").removeprefix(" ")
        if (
            request.get("flush")
            or request.get("close_context")
            or (self.is_auto and context.text.rstrip().endswith(_ENDS))
        ):
            text, context.text = context.text, ""
            context.speaker.say(partial(self._speak, name, context, text))
        if request.get("close_context"):
            context.is_closed = True
            self.closed.add(name)
            context.speaker.say(partial(self._finish, name))
        return True

    def _closes_nothing(self, request: Mapping[str, Any]) -> bool:
        return bool(request.get("close_context")) and request.get("context_id") not in self.contexts

    def _fault_of(self, request: Mapping[str, Any]) -> str:
        name, text = request.get("context_id"), request.get("text")
        is_new = name not in self.contexts
        if unknown := set(request) - set(_FIELDS.split()):
            return f"unknown fields: {', '.join(sorted(unknown))}"
        if not isinstance(name, str) or not name:
            return "a context needs a name"
        if request.get("close_context"):
            return "an unknown context is closed" if is_new else ""
        if not isinstance(text, str):
            only_flushes = "text" not in request and request.get("flush") and not is_new
            return "" if only_flushes else "a text is needed"
        if is_new and text != " ":
            return "a context must open with a space"
        if not is_new and self.contexts[name].is_closed:
            return "the context is closed"
        if not is_new and "voice_settings" in request:
            return "settings belong to the first message"
        return check_settings(request.get("voice_settings", {}))

    async def _speak(self, name: str, context: _Context, text: str) -> None:
        if not text.strip():
            return
        self.standin.transcripts.append(text)
        await asyncio.sleep(self.standin.first_s)
        chars = max(1, self.standin.chunk_ms // self.standin.char_ms)
        for at in range(0, len(text), chars):
            fault = self.peer.fault
            if fault.kind == "error" and context.chunks >= fault.after:
                kind = fault.reason or "internal_error"
                await self.peer.say({"message": f"broken with {KEY}", "error": kind, "contextId": name})
                self.contexts.pop(name, None)
                return
            part = text[at : at + chars]
            audio = b64encode(self.standin.audio_of(part, self.audio, context.spoken_chars)).decode()
            context.spoken_chars += len(part)
            told = alignment(part, self.standin.char_ms) if self.is_timed else None
            await self.peer.say({"audio": audio, "alignment": told, "normalizedAlignment": told, "contextId": name})
            self.stay()
            context.chunks += 1
            await asyncio.sleep(self.standin.gap_s)
        await self.peer.say({"type": "flush_done", "contextId": name})

    async def _finish(self, name: str) -> None:
        if self.contexts.pop(name, None) is not None:
            await self.peer.say({"isFinal": True, "contextId": name})


def alignment(text: Iterable[str], char_ms: int = CHAR_MS) -> dict[str, Any]:
    """Times of characters, from the beginning of their audio."""
    chars = list(text)
    starts = [at * char_ms for at in range(len(chars))]
    return {"chars": chars, "charStartTimesMs": starts, "charDurationsMs": [char_ms] * len(chars)}
