"""Deepgram's ``/v2/listen``.

Faults besides those of every stand-in: ``missing``, ``late``, ``double`` and ``error`` (a fatal ``Error`` of code
``reason``) instead of the ``EndOfTurn`` that was forced; ``idle`` is a close with 1011 NET-0001.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Message, Peer, WebSocketStandin
from native_bench.standins.deepgram import admit_deepgram, bytes_per_ms, written
from native_bench.standins.session import Session

_PARAMETERS = (
    "model encoding sample_rate eot_threshold eager_eot_threshold eot_timeout_ms keyterm language_hint numerals "
    "profanity_filter redact mip_opt_out tag"
)
# Silence after which the model thinks that the turn may be, and is, over.
_EAGER_MS, _END_MS = 160, 400
_MOST_MS = 1000


class DeepgramFluxStandin(WebSocketStandin):
    """Flux."""

    name: ClassVar[str] = "deepgram_flux"
    path = "/v2/listen"

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        final_ms: float = 0,
        update_ms: int = 240,
        idle_s: float = 10.0,
        word_times: int = 1,
    ) -> None:
        """``final_ms``: from ``ForceEndTurn`` to ``EndOfTurn``; ``update_ms``: audio from ``Update`` to ``Update``."""
        super().__init__(faults=faults, port=port)
        self.final_ms = final_ms
        self.update_ms = update_ms
        self.idle_s = idle_s
        self.word_times = word_times

    def admit(self, request: web.Request) -> None:
        admit_deepgram(self, request, _PARAMETERS)
        query = request.query
        self.require(query["model"] in ("flux-general-en", "flux-general-multi"), 400, "no such model")
        threshold = float(query.get("eot_threshold", "0.7"))
        eager = float(query.get("eager_eot_threshold", "0.3"))
        self.require(0.5 <= threshold <= 1.0, 400, "eot_threshold")
        self.require(0.3 <= eager <= min(0.9, threshold), 400, "eager_eot_threshold")
        self.require(500 <= int(query.get("eot_timeout_ms", "5000")) <= 60_000, 400, "eot_timeout_ms")
        hints = not query.getall("language_hint", []) or query["model"] == "flux-general-multi"
        self.require(hints, 400, "language_hint is for flux-general-multi")

    async def serve(self, peer: Peer) -> None:
        await _Flux(self, peer).run()


class _Flux(Session):
    def __init__(self, standin: DeepgramFluxStandin, peer: Peer) -> None:
        super().__init__(standin, peer, bytes_per_ms(peer.request), standin.idle_s, (1011, "NET-0001"))
        self.is_eager = "eager_eot_threshold" in peer.request.query
        self.update_ms, self.final_s = standin.update_ms, standin.final_ms / 1000
        self.word_times = bool(standin.word_times)
        self.most_bytes = bytes_per_ms(peer.request) * _MOST_MS
        self.turn = self.start_ms = self.updated_ms = 0
        self.sequence = 0
        self.is_started = self.is_eagerly_over = False
        self.tell({"type": "Connected", "request_id": "r", "sequence_id": 0})

    async def receive(self, message: Message) -> bool:
        if isinstance(message, bytes):
            self.stay()
            if not message or len(message) > self.most_bytes:
                self.standin.complain(f"a message of {len(message)} bytes of audio")
            self.dictation.hear(message)
            self._follow()
            return True
        command = orjson.loads(message)
        match command.get("type"):
            case "ForceEndTurn":
                error = {"type": "Error", "sequence_id": 0, "code": self.peer.fault.reason or "INTERNAL_SERVER_ERROR"}
                self.answer(lambda: self._end("manual"), self.final_s, {**error, "description": "broken"})
            case "Configure":
                self.tell({"type": "ConfigureSuccess", "sequence_id": 0, "thresholds": {}, "keyterms": []})
            case "CloseStream":
                return False
            case kind:
                self.standin.complain(f"unknown message {kind!r}")
                self.tell({"type": "Error", "sequence_id": 0, "code": "BAD_REQUEST", "description": "unknown"})
                return False
        return True

    def _follow(self) -> None:
        """Say how the turn goes."""
        quiet_ms, heard_ms = self.dictation.quiet_ms, self.dictation.heard_ms
        has_words = bool(self.dictation.since(self.start_ms))
        if has_words and not self.is_started:
            self.is_started = True
            self._tell("StartOfTurn")
        elif has_words and self.is_eagerly_over and not quiet_ms:
            self.is_eagerly_over = False
            self._tell("TurnResumed")
        elif has_words and quiet_ms >= _END_MS:
            self.tell(self._end("model"))
        elif has_words and self.is_eager and quiet_ms >= _EAGER_MS and not self.is_eagerly_over:
            self.is_eagerly_over = True
            self._tell("EagerEndOfTurn")
        elif heard_ms >= self.updated_ms + self.update_ms:
            self.updated_ms = heard_ms
            self._tell("Update")

    def _tell(self, event: str) -> None:
        self.tell(self._turn_info(event))

    def _end(self, trigger: str) -> dict[str, Any]:
        message = self._turn_info("EndOfTurn") | {"trigger": trigger}
        self.turn += 1
        self.start_ms = self.updated_ms = self.dictation.heard_ms
        self.is_started = self.is_eagerly_over = False
        return message

    def _turn_info(self, event: str) -> dict[str, Any]:
        self.sequence += 1
        words = self.dictation.since(self.start_ms)
        listed = written(words, "word")
        if not self.word_times:
            listed = [{"word": word["word"], "confidence": word["confidence"]} for word in listed]
        return {
            "type": "TurnInfo",
            "request_id": "r",
            "sequence_id": self.sequence,
            "event": event,
            "turn_index": self.turn,
            "audio_window_start": self.start_ms / 1000,
            "audio_window_end": self.dictation.heard_ms / 1000,
            "transcript": " ".join(word.text for word in words),
            "words": listed,
            "end_of_turn_confidence": 0.9 if self.dictation.quiet_ms else 0.1,
        }
