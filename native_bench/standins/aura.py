"""Deepgram's ``/v1/speak``; faults as those of every voice that speaks in segments."""

from __future__ import annotations

import re
from functools import partial
from typing import ClassVar

import orjson
from aiohttp import web

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.base import Message, Peer, Standin
from native_bench.standins.deepgram import KEY
from native_bench.standins.speaking import SegmentSession, VoiceStandin, audio_named

_ENCODINGS = {"mulaw": Encoding.MULAW, "alaw": Encoding.ALAW, "linear16": Encoding.L16}
_PARAMETERS = ("model", "encoding", "sample_rate", "speed", "mip_opt_out")
_WINDOW_S, _MOST_FLUSHES = 60.0, 20
_LONGEST_TEXT = 2000
_NIL = "00000000-0000-0000-0000-000000000000"


def admit_voice(standin: Standin, request: web.Request, parameters: tuple[str, ...], model: str) -> None:
    """What both of Deepgram's voices ask of a request."""
    auth = request.headers.get("Authorization", "")
    standin.require(auth in (f"Token {KEY}", f"Bearer {KEY}", f"token {KEY}"), 401, "INVALID_AUTH")
    standin.require_known(request.query, parameters)
    standin.require(re.fullmatch(model, request.query.get("model", "")) is not None, 400, "unknown model")
    standin.require(request.query.get("encoding") in _ENCODINGS, 400, "unknown encoding")
    rates = ("8000", "16000") if request.query["encoding"] != "linear16" else ("8000", "16000", "24000", "48000")
    standin.require(request.query.get("sample_rate") in rates, 400, "unknown sample rate")


def audio_of(request: web.Request) -> AudioFormat:
    """The format that a request asks for."""
    return audio_named(request.query["encoding"], request.query["sample_rate"], _ENCODINGS)


class AuraStandin(VoiceStandin):
    """Aura."""

    name: ClassVar[str] = "aura"
    path = "/v1/speak"
    idle_limit_s = 3600.0

    def admit(self, request: web.Request) -> None:
        admit_voice(self, request, _PARAMETERS, r"aura(-2)?-[a-z]+-[a-z]{2}")

    async def serve(self, peer: Peer) -> None:
        model = {"model_name": peer.request.query["model"], "model_version": "1", "model_uuid": _NIL}
        await peer.say({"type": "Metadata", "request_id": _NIL, **model})
        await _Socket(self, peer, audio_of(peer.request), (1011, "NET-0003")).run()


class _Socket(SegmentSession):
    text = ""
    sequence = 0
    flushes_s: tuple[float, ...] = ()

    async def receive(self, message: Message) -> bool:
        command = orjson.loads(message)
        match command:
            case {"type": "Speak", "text": str(text), **rest} if not rest and 0 < len(text) <= _LONGEST_TEXT:
                self.text += text
            case {"type": "Flush"}:
                await self._flush()
            case {"type": "Clear"}:
                self.text = ""
                self.cancel(partial(self.peer.say, {"type": "Cleared", "sequence_id": self.sequence}))
            case {"type": "Close"}:
                await self.voice.settle()
                return False
            case _:
                self._voice.complain(f"bad command {command.get('type')!r}")
                await self.peer.close(1008, "DATA-0000")
                return False
        return True

    async def give(self, payload: bytes) -> None:
        await self.peer.say_raw(payload)

    async def fail(self, kind: str) -> None:
        await self.peer.say({"type": "Error", "code": kind or "NET-0000", "description": f"broken with {KEY}"})

    async def _flush(self) -> None:
        now = self._loop.time()
        self.flushes_s = (*(each for each in self.flushes_s if now < each + _WINDOW_S), now)
        if len(self.flushes_s) > _MOST_FLUSHES:
            self._voice.complain("too many flushes")
            warning = {"type": "Warning", "code": "EXCESSIVE_FLUSH", "description": "Too many Flush messages"}
            await self.peer.say(warning)
            return
        text, self.text = self.text, ""
        if text:
            self.voice.say(partial(self.utter, text))
        self.voice.say(partial(self.peer.say, {"type": "Flushed", "sequence_id": self.sequence}))
        self.sequence += 1
