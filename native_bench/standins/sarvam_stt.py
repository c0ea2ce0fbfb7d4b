"""Sarvam's ``/speech-to-text-realtime/ws``, with utterances of the client's (``endpointing=manual``).

Audio outside of an utterance is complained of, though the vendor is not known to mind. Faults besides those of every
stand-in: ``missing``, ``late``, ``double`` and ``error`` (an ``error`` of code ``reason`` and ``status``) of finals.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Message, Peer, WebSocketStandin
from native_bench.standins.session import Session

KEY = "sv-key"
_BYTES_PER_MS = {"mulaw": 8, "alaw": 8, "linear16": 16}
_PARAMETERS = (
    "language_code model stream_type mode prompt keyterms endpointing encoding sample_rate return_timestamps threshold "
    "prefix_padding_ms silence_duration_ms min_speech_duration_ms"
)
_CHOICES = {
    "model": ("saaras:v3-realtime", "saaras:v4"),
    "stream_type": ("fast", "balanced", "simulated"),
    "mode": ("transcribe", "translate", "verbatim", "translit", "codemix"),
    "endpointing": ("manual",),
    "encoding": tuple(_BYTES_PER_MS),
    "sample_rate": ("8000", "16000"),
}


class SarvamSttStandin(WebSocketStandin):
    """Saaras."""

    name: ClassVar[str] = "sarvam_stt"
    path = "/speech-to-text-realtime/ws"

    def __init__(
        self, *, faults: Sequence[Fault] = (), port: int = 0, final_ms: float = 0, idle_s: float = 30.0
    ) -> None:
        """``final_ms``: from ``speech_end`` to the final."""
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.idle_s = idle_s

    def admit(self, request: web.Request) -> None:
        query = request.query
        self.require(request.headers.get("API-SUBSCRIPTION-KEY") == KEY, 403, "invalid_api_key_error")
        self.require_known(request.query, _PARAMETERS.split())
        self.require("language_code" in query, 400, "language_code is needed")

    async def serve(self, peer: Peer) -> None:
        query = peer.request.query
        wrong = [key for key, known in _CHOICES.items() if query.get(key) not in known]
        if wrong or ("keyterms" in query and query["model"] != "saaras:v4"):
            self.complain(f"wrong parameters: {', '.join(wrong)}")
            await peer.say({"event": "error", "code": "invalid_request", "is_fatal": True, "message": "wrong"})
            await peer.close(4000, "invalid_request")
            return
        await _Saaras(self, peer).run()


class _Saaras(Session):
    def __init__(self, standin: SarvamSttStandin, peer: Peer) -> None:
        query = peer.request.query
        per_ms = _BYTES_PER_MS[query["encoding"]] * int(query["sample_rate"]) // 8000
        super().__init__(standin, peer, per_ms, standin.idle_s, (1008, "inactivity"))
        self.final_s = standin.final_ms / 1000
        self.sends_partials = query["stream_type"] != "simulated"
        self.is_speaking = False
        self.utterance = -1
        self.start_ms = self.said = 0
        self.tell({"event": "session.begin", "request_id": "r", "config": {"turn_detection": "manual"}})

    async def receive(self, message: Message) -> bool:
        command = orjson.loads(message)
        match command.get("event"):
            case "audio_input":
                self._hear(b64decode(command["audio"], validate=True))
            case "speech_start":
                self._expect(not self.is_speaking, "speech_start within an utterance")
                self.is_speaking = True
                self.utterance += 1
                self.start_ms, self.said = self.dictation.heard_ms, 0
            case "speech_end":
                self._expect(self.is_speaking, "speech_end without an utterance")
                self.is_speaking = False
                self._finalize()
            case "flush":
                self._finalize()
            case "ping":
                self.tell({"event": "pong"})
            case "end":
                self.tell({"event": "session.end", "request_id": "r", "total_duration_s": 1.0})
                return False
            case kind:
                self.standin.complain(f"unknown event {kind!r}")
        self.stay()
        return True

    def _expect(self, fits: bool, text: str) -> None:
        if not fits:
            self.standin.complain(text)

    def _hear(self, audio: bytes) -> None:
        self._expect(self.is_speaking, "audio outside of an utterance")
        self.dictation.hear(audio)
        words = self.dictation.since(self.start_ms)
        if self.sends_partials and len(words) > self.said:
            self.said = len(words)
            self.tell(self._transcript("partial"))

    def _finalize(self) -> None:
        fault = self.peer.fault
        error = {"event": "error", "code": fault.reason or "internal_error", "is_fatal": True, "message": "broken"}
        self.answer(lambda: self._transcript("final"), self.final_s, error | {"status_code": fault.status})

    def _transcript(self, kind: str) -> dict[str, Any]:
        words = self.dictation.since(self.start_ms)
        transcript = " ".join(word.text for word in words)
        return {"event": f"transcript.{kind}", "utterance_idx": self.utterance, "text": transcript, "language": "en-IN"}
