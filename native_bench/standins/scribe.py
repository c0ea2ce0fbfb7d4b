"""ElevenLabs' ``/v1/speech-to-text/realtime``, with commits of the client's.

A commit of less than 100 ms of audio is answered with ``insufficient_audio_activity``. Faults besides those of every
stand-in: ``missing``, ``late``, ``double`` (the commit with times behind the plain one, and another plain one) and
``error`` (a message of kind ``reason``) of commits.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Message, Peer, WebSocketStandin
from native_bench.standins.session import Session

KEY = "el-key"
_BYTES_PER_MS = {"ulaw_8000": 8, "pcm_8000": 16, "pcm_16000": 32}
_PARAMETERS = (
    "model_id audio_format commit_strategy vad_silence_threshold_secs vad_threshold min_speech_duration_ms "
    "min_silence_duration_ms language_code secondary_languages include_timestamps include_language_detection keyterms "
    "no_verbatim filter_background_audio enable_logging token"
)
_LEAST_MS, _LONGEST_MS = 100, 1000


class ScribeStandin(WebSocketStandin):
    """Scribe."""

    name: ClassVar[str] = "scribe"
    path = "/v1/speech-to-text/realtime"

    def __init__(
        self, *, faults: Sequence[Fault] = (), port: int = 0, final_ms: float = 0, idle_s: float = 15.0
    ) -> None:
        """``final_ms``: from a commit to its answer."""
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.idle_s = idle_s

    def admit(self, request: web.Request) -> None:
        query = request.query
        self.require(request.headers.get("xi-api-key") == KEY, 401, "invalid_api_key")
        self.require_known(request.query, _PARAMETERS.split())
        self.require(query.get("model_id") == "scribe_v2_realtime", 400, "no such model")
        self.require(query.get("audio_format") in _BYTES_PER_MS, 400, "audio_format")
        self.require(query.get("commit_strategy", "manual") == "manual", 400, "only manual commits are played here")
        terms = query.getall("keyterms", [])
        self.require(len(terms) <= 50 and all(len(term) <= 20 for term in terms), 400, "keyterms")

    async def serve(self, peer: Peer) -> None:
        await _Scribe(self, peer).run()


class _Scribe(Session):
    def __init__(self, standin: ScribeStandin, peer: Peer) -> None:
        query = peer.request.query
        self.bytes_per_ms = _BYTES_PER_MS[query["audio_format"]]
        super().__init__(standin, peer, self.bytes_per_ms, standin.idle_s, (1008, "inactivity"))
        self.final_s = standin.final_ms / 1000
        self.rate_hz = 16000 if query["audio_format"] == "pcm_16000" else 8000
        self.with_times = query.get("include_timestamps") == "true"
        self.start_ms = self.said = 0
        self.tell({"message_type": "session_started", "session_id": "s", "config": {"model_id": query["model_id"]}})

    async def receive(self, message: Message) -> bool:
        chunk = orjson.loads(message)
        if chunk.get("message_type") != "input_audio_chunk" or chunk.get("sample_rate") != self.rate_hz:
            self.standin.complain("a message that is no chunk of audio")
            self.tell({"message_type": "input_error", "error": "no chunk"})
            return False
        audio = b64decode(chunk["audio_base_64"], validate=True)
        if len(audio) > _LONGEST_MS * self.bytes_per_ms:
            self.standin.complain("a chunk that is too long")
            self.tell({"message_type": "chunk_size_exceeded", "error": "too long"})
            return False
        self.stay()
        self.dictation.hear(audio)
        words = self.dictation.since(self.start_ms)
        if chunk.get("commit") is True:
            self._commit()
        elif len(words) > self.said:
            self.said = len(words)
            self.tell(self._transcript("partial_transcript"))
        return True

    def _commit(self) -> None:
        if self.dictation.heard_ms - self.start_ms < _LEAST_MS:
            self.tell({"message_type": "insufficient_audio_activity", "error": "too little audio"})
            return
        error = {"message_type": self.peer.fault.reason or "transcriber_error", "error": "broken"}
        committed = self._transcript("committed_transcript")
        self.answer(lambda: committed, self.final_s, error)
        if self.with_times or self.peer.fault.kind == "double":
            self.tell(committed | {"message_type": "committed_transcript_with_timestamps", "words": []})
        self.start_ms, self.said = self.dictation.heard_ms, 0

    def _transcript(self, kind: str) -> dict[str, Any]:
        words = self.dictation.since(self.start_ms)
        return {"message_type": kind, "text": " ".join(word.text for word in words)}
