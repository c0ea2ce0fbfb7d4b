"""Deepgram's ``/v1/listen``.

Faults besides those of every stand-in: ``missing`` (no ``from_finalize`` comes, as when little was buffered), ``late``
(it comes ``delay_s`` later), ``double`` (it comes twice), ``error`` (an ``Error`` of variant ``reason`` comes instead).
A session that hears nothing for ``idle_s`` ends with 1011 NET-0001; ``KeepAlive`` helps one that has had audio.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Message, Peer, Standin, WebSocketStandin
from native_bench.standins.dictation import Word
from native_bench.standins.recital import LAG_MS, Recital, Script, read_script
from native_bench.standins.session import Session

KEY = "dg-key"
_BYTES_PER_MS = {"mulaw": 8, "alaw": 8, "linear16": 16}
_PARAMETERS = (
    "model language encoding sample_rate channels multichannel interim_results endpointing utterance_end_ms vad_events "
    "smart_format punctuate numerals profanity_filter redact dictation replace search keyterm keywords diarize "
    "diarize_model detect_entities tag extra mip_opt_out version callback callback_method language_hint "
    "filler_words no_delay"
)


def admit_deepgram(standin: Standin, request: web.Request, parameters: str) -> None:
    """What both of Deepgram's recognisers ask of a request."""
    auth = request.headers.get("Authorization", "")
    standin.require(auth in (f"Token {KEY}", f"Bearer {KEY}"), 401, "INVALID_AUTH")
    standin.require_known(request.query, parameters.split())
    standin.require(bool(request.query.get("model")), 400, "a model is needed")
    standin.require(request.query.get("encoding") in _BYTES_PER_MS, 400, "an encoding is needed for raw audio")
    standin.require(request.query.get("sample_rate") in ("8000", "16000"), 400, "a sample rate is needed")


def bytes_per_ms(request: web.Request) -> int:
    """Of the audio that a request announces."""
    return _BYTES_PER_MS[request.query["encoding"]] * int(request.query["sample_rate"]) // 8000


def written(words: Sequence[Word], key: str) -> list[dict[str, Any]]:
    """Words as Deepgram writes them; ``key`` holds the text as it is shown."""
    times = [{"start": word.start_ms / 1000, "end": word.end_ms / 1000, "confidence": 0.99} for word in words]
    return [{"word": word.text, key: word.text, **time} for word, time in zip(words, times, strict=True)]


class DeepgramStandin(WebSocketStandin):
    """Nova."""

    name: ClassVar[str] = "deepgram"
    path = "/v1/listen"

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        final_ms: float = 0,
        interim_ms: int = 400,
        idle_s: float = 10.0,
        script: str = "",
        lag_ms: int = LAG_MS,
    ) -> None:
        """``final_ms``: from ``Finalize`` to its answer; ``interim_ms``: audio from one interim to the next.

        ``script``: a file of ``recital.write_script``, for one that knows what is said; ``lag_ms``: how much later.
        """
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.interim_ms = interim_ms
        self.idle_s = idle_s
        self.lag_ms = lag_ms
        self.script: Script = read_script(script) if script else {}

    def admit(self, request: web.Request) -> None:
        admit_deepgram(self, request, _PARAMETERS)
        gap = request.query.get("utterance_end_ms", "1000")
        self.require(gap.isdigit() and int(gap) >= 1000, 400, "utterance_end_ms must be 1000 or more")
        needs = "utterance_end_ms" in request.query
        self.require(not needs or request.query.get("interim_results") == "true", 400, "interim_results are needed")

    async def serve(self, peer: Peer) -> None:
        await Nova(self, peer).run()


class Nova(Session):
    """One client's session."""

    def __init__(self, standin: DeepgramStandin, peer: Peer) -> None:
        super().__init__(standin, peer, bytes_per_ms(peer.request), standin.idle_s, (1011, "NET-0001"))
        if standin.script:
            self.dictation = Recital(standin.script, bytes_per_ms(peer.request), standin.lag_ms)
        query = peer.request.query
        endpointing = query.get("endpointing", "10")
        self.endpoint_ms = 0 if endpointing == "false" else int(endpointing)
        self.gap_ms = int(query.get("utterance_end_ms", "0"))
        self.interim_ms = standin.interim_ms if query.get("interim_results") == "true" else 0
        self.final_s = standin.final_ms / 1000
        self.start_ms = self.interim_at_ms = 0  # of the segment
        self.is_over = True  # speech_final or UtteranceEnd came for the words so far

    async def receive(self, message: Message) -> bool:
        if isinstance(message, bytes):
            self.stay()
            self._hear(message)
            return bool(message)
        command = orjson.loads(message)
        match command.get("type"):
            case "KeepAlive":
                if self.dictation.heard_ms:
                    self.stay()
            case "Finalize":
                error = {"type": "Error", "variant": self.peer.fault.reason or "InternalError", "description": "broken"}
                self.answer(lambda: self._results(is_final=True, from_finalize=True), self.final_s, error)
            case "CloseStream":
                self.tell(self._results(is_final=True))
                self.tell(self._metadata())
                return False
            case kind:
                self.standin.complain(f"unknown message {kind!r}")
                self.tell({"type": "Error", "variant": "SchemaError", "description": "unknown", "message": message})
        return True

    def _hear(self, audio: bytes) -> None:
        if not audio:
            self.standin.complain("an empty message of audio")
        self.dictation.hear(audio)
        quiet_ms, heard_ms = self.dictation.quiet_ms, self.dictation.heard_ms
        if self.endpoint_ms and quiet_ms >= self.endpoint_ms and self.dictation.since(self.start_ms):
            self.tell(self._results(is_final=True, speech_final=True))
        elif self.interim_ms and heard_ms >= self.interim_at_ms + self.interim_ms:
            self.interim_at_ms = heard_ms
            self.tell(self._results())
        if not self.is_over and self.gap_ms and quiet_ms >= self.gap_ms:
            self.is_over = True
            last_s = self.dictation.words[-1].end_ms / 1000
            self.tell({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last_s})

    def _results(
        self, *, is_final: bool = False, speech_final: bool = False, from_finalize: bool = False
    ) -> dict[str, Any]:
        start_ms, end_ms = self.start_ms, self.dictation.heard_ms
        if is_final:
            self.dictation.settle()
        words = self.dictation.since(start_ms)
        if words:
            self.is_over = speech_final
        if is_final:
            self.start_ms = self.interim_at_ms = end_ms
        transcript = " ".join(word.text for word in words)
        said = {"transcript": transcript, "confidence": 0.99, "words": written(words, "punctuated_word")}
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": start_ms / 1000,
            "duration": (end_ms - start_ms) / 1000,
            "is_final": is_final,
            "speech_final": speech_final,
            "from_finalize": from_finalize,
            "channel": {"alternatives": [said]},
            "metadata": {
                "request_id": "00000000-0000-0000-0000-000000000000",
                "model_info": {"name": "general-nova-3", "version": "2025-01-09.0", "arch": "nova-3"},
                "model_uuid": "00000000-0000-0000-0000-000000000001",
            },
        }

    def _metadata(self) -> dict[str, Any]:
        return {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": "00000000-0000-0000-0000-000000000000",
            "sha256": "0" * 64,
            "created": "2026-11-21T00:00:00.000Z",
            "duration": self.dictation.heard_ms / 1000,
            "channels": 1,
        }
