"""Deepgram's ``/v2/speak``; faults as those of every voice that speaks in segments."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.aura import admit_voice, audio_of
from native_bench.standins.base import Message, Peer
from native_bench.standins.deepgram import KEY
from native_bench.standins.speaking import CHAR_MS, SegmentSession, VoiceStandin

_PARAMETERS = ("model", "encoding", "sample_rate", "speed", "expressivity", "mip_opt_out", "tag")
_CONTROLS = {"pronunciations_applied": 0, "breaks_applied": 0, "pronunciation_warnings": 0}
_NIL = "00000000-0000-0000-0000-000000000000"


class FluxTtsStandin(VoiceStandin):
    """Flux text-to-speech."""

    name: ClassVar[str] = "flux_tts"
    path = "/v2/speak"
    idle_limit_s = 3600.0

    def admit(self, request: web.Request) -> None:
        admit_voice(self, request, _PARAMETERS, r"flux-[a-z]+-[a-z]{2}")

    async def serve(self, peer: Peer) -> None:
        model = {"model_name": peer.request.query["model"], "model_version": "1", "model_uuids": [_NIL]}
        await peer.say({"type": "Connected", "request_id": _NIL, **model})
        await _Socket(self, peer, audio_of(peer.request), (1011, "NET-0003")).run()


class _Socket(SegmentSession):
    text = ""
    turn = 0
    given_ms = played_ms = 0
    is_speaking = False

    async def receive(self, message: Message) -> bool:
        command = orjson.loads(message)
        match command:
            case {"type": "Speak", "text": str(text), **rest} if not rest and text:
                self.text += text
            case {"type": "Flush"}:
                await self._flush()
            case {"type": "Interrupt", **rest} if set(rest) <= {"playback_offset"}:
                await self._interrupt(command.get("playback_offset") or {})
            case {"type": "Configure"}:
                await self.peer.say({"type": "ConfigureSuccess", "applied": {}})
            case {"type": "Close"}:
                await self.voice.settle()
                return False
            case _:
                self._voice.complain(f"bad command {command.get('type')!r}")
                await self._error("DATA-0000")
                await self.peer.close(1008, "DATA-0000")
                return False
        return True

    async def give(self, payload: bytes) -> None:
        self.given_ms += self.audio.samples_of(payload) * 1000 // self.audio.rate_hz
        await self.peer.say_raw(payload)

    async def fail(self, kind: str) -> None:
        await self._error(kind or "NET-0000")

    async def _flush(self) -> None:
        if not self.text:
            await self._warn("NO_ACTIVE_SPEECH")
            return
        text, self.text, self.turn = self.text, "", self.turn + 1
        speech = {"speech_id": f"dg_sp_{self.turn}"}
        await self.peer.say({"type": "Flushed", **speech})
        self.voice.say(partial(self._speak, text, speech))

    async def _speak(self, text: str, speech: dict[str, Any]) -> None:
        self.is_speaking = True
        await self.peer.say({"type": "SpeechStarted", **speech})
        await self.utter(text)
        self.is_speaking = False
        metadata = {"audio_duration_ms": len(text) * CHAR_MS, "input_character_count": len(text)}
        controls = {"billable_character_count": len(text), "controls_applied": _CONTROLS}
        await self.peer.say({"type": "SpeechMetadata", **speech, **metadata, **controls})

    async def _interrupt(self, offset: dict[str, Any]) -> None:
        played_ms = offset.get("value", self.given_ms)
        if not self.given_ms:
            await self._warn("NO_AUDIO_GENERATED")
        elif not self.is_speaking:
            await self._warn("NO_ACTIVE_SPEECH")
        elif played_ms <= self.played_ms:
            await self._warn("INVALID_INTERRUPT_OFFSET")
        else:
            self.played_ms = played_ms
            metadata = {"speech_id": f"dg_sp_{self.turn}", "audio_duration_ms": 0, "input_character_count": 0}
            controls = {"billable_character_count": 0, "controls_applied": _CONTROLS}
            told = {"type": "SpeechInterrupted", "audio_played_ms": played_ms, "metadata": {**metadata, **controls}}
            self.is_speaking = False
            self.cancel(partial(self.peer.say, told))

    async def _warn(self, code: str) -> None:
        await self.peer.say({"type": "Warning", "code": code, "description": "nothing to do"})

    async def _error(self, code: str) -> None:
        await self.peer.say({"type": "Error", "code": code, "description": f"broken with {KEY}"})
