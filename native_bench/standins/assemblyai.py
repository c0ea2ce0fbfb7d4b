"""AssemblyAI's ``/v3/ws``.

Messages of audio shorter than 50 ms or longer than 1000 ms end the session with 3007, and so does audio that comes
faster than real time by more than ``lead_ms``. Faults besides those of every stand-in: ``missing``, ``late``,
``double`` and ``error`` (an ``Error`` of code ``code``) of a forced end.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Message, Peer, WebSocketStandin
from native_bench.standins.session import Session

KEY = "aai-key"
_BYTES_PER_MS = {"pcm_mulaw": 8, "pcm_s16le": 16}
_SHORTEST_MS, _LONGEST_MS = 50, 1000
_PARAMETERS = (
    "speech_model sample_rate encoding format_turns keyterms_prompt prompt agent_context mode language_codes "
    "language_detection vad_threshold end_of_turn_confidence_threshold min_turn_silence max_turn_silence "
    "interruption_delay turn_left_pad_ms continuous_partials include_partial_turns inactivity_timeout "
    "session_heartbeat acknowledge_silence voice_focus speaker_labels redact_pii domain filter_profanity token"
)
_MODELS = (
    "universal-streaming-english universal-streaming-multilingual u3-rt-pro universal-3-5-pro universal-3-6 "
    "universal-3-6-pro whisper-rt"
)


class AssemblyAiStandin(WebSocketStandin):
    """Universal streaming."""

    name: ClassVar[str] = "assemblyai"
    path = "/v3/ws"

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        final_ms: float = 0,
        lead_ms: float = 1500,
        idle_s: float = 60.0,
        heartbeat_s: float = math.inf,
    ) -> None:
        """``final_ms``: from ``ForceEndpoint`` to the end of the turn; ``heartbeat_s``: between heartbeats."""
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.lead_ms = lead_ms
        self.idle_s = idle_s
        self.heartbeat_s = heartbeat_s
        self.terminated = 0
        """Sessions that ended as they should."""

    def admit(self, request: web.Request) -> None:
        query = request.query
        self.require(request.headers.get("Authorization") == KEY, 401, "Not authorized")
        self.require_known(request.query, _PARAMETERS.split())
        self.require(query.get("speech_model") in _MODELS.split(), 400, "no such model")
        self.require(query.get("encoding", "pcm_s16le") in _BYTES_PER_MS, 400, "encoding")
        self.require(query.get("sample_rate", "").isdigit(), 400, "a sample rate is needed")
        terms = orjson.loads(query.get("keyterms_prompt", "[]"))
        self.require(isinstance(terms, list) and len(terms) <= 100, 400, "keyterms_prompt")

    async def serve(self, peer: Peer) -> None:
        await _Universal(self, peer).run()


class _Universal(Session):
    standin: AssemblyAiStandin

    def __init__(self, standin: AssemblyAiStandin, peer: Peer) -> None:
        query = peer.request.query
        per_ms = _BYTES_PER_MS[query.get("encoding", "pcm_s16le")] * int(query["sample_rate"]) // 8000
        super().__init__(standin, peer, per_ms, standin.idle_s, (3005, "Session idle"))
        self.standin = standin
        self.bytes_per_ms = per_ms
        self.formats = query.get("format_turns", "").lower() == "true"  # their own client writes True
        self.is_u3 = query["speech_model"].startswith(("u3", "universal-3"))
        self.min_ms = int(query.get("min_turn_silence", "100" if self.is_u3 else "400"))
        self.max_ms = int(query.get("max_turn_silence", "1000" if self.is_u3 else "1280"))
        self.turn = self.start_ms = self.said = 0
        self.began_s = asyncio.get_running_loop().time()
        self.tell({"type": "Begin", "id": "00000000-0000-0000-0000-000000000000", "expires_at": "2026-11-21T07:00:00Z"})

        self.beats = query.get("session_heartbeat", "").lower() == "true"
        self.beaten_s = self.began_s

    async def receive(self, message: Message) -> bool:
        if isinstance(message, bytes):
            self.stay()
            self._beat()
            return await self._hear(message)
        command = orjson.loads(message)
        match command.get("type"):
            case "ForceEndpoint":
                self._force()
            case "KeepAlive" | "UpdateConfiguration":
                self.stay()
            case "Terminate":
                self.standin.terminated += 1
                self.tell({"type": "Termination", "audio_duration_seconds": 1, "session_duration_seconds": 1})
                return False
            case kind:
                self.standin.complain(f"unknown message {kind!r}")
                await self.peer.close(3006, "Invalid message type")
                return False
        return True

    def _beat(self) -> None:
        now = asyncio.get_running_loop().time()
        if self.beats and now >= self.beaten_s + self.standin.heartbeat_s:
            self.beaten_s = now
            heard_ms = self.dictation.heard_ms
            self.tell(
                {
                    "type": "Heartbeat",
                    "total_audio_received_ms": heard_ms,
                    "total_duration_ms": heard_ms,
                    "realtime_factor": 1.0,
                    "max_speech_probability": 0.1,
                }
            )

    async def _hear(self, audio: bytes) -> bool:
        size_ms = len(audio) / self.bytes_per_ms
        self.dictation.hear(audio)
        ahead_ms = self.dictation.heard_ms - (asyncio.get_running_loop().time() - self.began_s) * 1000
        if not _SHORTEST_MS <= size_ms <= _LONGEST_MS or ahead_ms > self.standin.lead_ms:
            self.standin.complain(f"a message of {size_ms:g} ms, {ahead_ms:.0f} ms ahead of real time")
            await self.peer.close(3007, "Audio chunk duration violation")
            return False
        words = self.dictation.since(self.start_ms)
        quiet_ms = self.dictation.quiet_ms
        if words and quiet_ms >= (self.max_ms if self.is_u3 else self.min_ms):
            self.tell(self._turn(ends=True))
        elif len(words) > self.said and (not self.is_u3 or quiet_ms >= self.min_ms):
            self.said = len(words)
            self.tell(self._turn(ends=False))
        return True

    def _force(self) -> None:
        if not self.dictation.since(self.start_ms):
            return  # there is no turn to end
        error = {"type": "Error", "error_code": self.peer.fault.code, "error": "broken"}
        plain = self._turn(ends=False)
        self.answer(lambda: self._turn(ends=True), self.standin.final_ms / 1000, error)
        if self.formats and not self.is_u3:
            formatted = {"turn_is_formatted": True, "end_of_turn": True, "transcript": plain["transcript"] + "."}
            self.tell(plain | formatted)

    def _turn(self, *, ends: bool) -> dict[str, Any]:
        words = self.dictation.since(self.start_ms)
        turn = {
            "type": "Turn",
            "turn_order": self.turn,
            "turn_is_formatted": ends and self.is_u3,
            "end_of_turn": ends,
            "transcript": " ".join(word.text for word in words),
            "end_of_turn_confidence": 0.9 if ends else 0.1,
            "words": [
                {
                    "text": word.text,
                    "start": word.start_ms,
                    "end": word.end_ms,
                    "confidence": 0.99,
                    "word_is_final": ends or word is not words[-1],
                }
                for word in words
            ],
        }
        if ends:
            self.turn += 1
            self.start_ms, self.said = self.dictation.heard_ms, 0
        return turn
