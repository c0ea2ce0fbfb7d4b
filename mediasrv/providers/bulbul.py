"""Sarvam Bulbul: Indian languages, over a WebSocket that is told once how to speak.

There is no name on audio, no way to cancel and one ``final`` for what was flushed; so one phrase is asked for at a
time, and after a cancel what comes is dropped until that phrase is over. JSON pings keep the socket, protocol pings do
not. Source: Sarvam's Python client, whose spelling of ``language_code`` is followed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import Speech
from mediasrv.providers.diction import NOTHING, Message, SegmentDiction
from mediasrv.providers.loosejson import decoded, parse, table
from mediasrv.providers.sockettts import SocketTts, VoiceOptions
from mediasrv.providers.vendor import refusal

_CODECS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.L16: "linear16"}
# A RIFF header's chunks: names of four bytes, lengths of four.
_RIFF, _DATA, _CHUNK_HEAD_BYTES = b"RIFF", b"data", 8


def bare(payload: bytes) -> bytes:
    """Samples without the WAV header that some codecs may come with."""
    if payload[:4] != _RIFF:
        return payload
    at = payload.find(_DATA)
    return payload[at + _CHUNK_HEAD_BYTES :] if at >= 0 else b""


class BulbulDiction(SegmentDiction):
    """One socket of ``/text-to-speech/ws``."""

    provider = "sarvam"
    # The vendor's limit is 60 s.
    idle_s = 20.0

    def __init__(self, audio: AudioFormat, config: Mapping[str, Any]) -> None:
        super().__init__(audio)
        self._waiting: deque[str] = deque()
        codec = {"speech_sample_rate": audio.rate_hz, "output_audio_codec": _CODECS[audio.encoding]}
        self.say(type="config", data={**config, **codec})

    @property
    def owes(self) -> bool:
        return super().owes or bool(self._waiting)

    def speak(self, phrase: str, now: float) -> None:
        self._waiting.append(phrase)
        self._ask()

    def cancel(self) -> None:
        self._waiting.clear()
        if self._segments:
            self.forget()
        self._is_whole = True

    def keep_alive(self) -> None:
        self.say(type="ping")

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        event = parse(message)
        data = table(event, "data")
        match event.get("type"):
            case "audio":
                return self.heard(bare(decoded(data, "audio")))
            case "event" if data.get("event_type") == "final":
                pieces = self.done()
                self.stopped()
                self._ask()
                return pieces
            case "error":
                code = data.get("code")
                if isinstance(code, int) and code > 0:
                    raise refusal("tts", self.provider, code)
                raise self.failure("reported an error", retryable=True)
        return NOTHING

    def _ask(self) -> None:
        if self._waiting and not self._segments:
            phrase = self._waiting.popleft()
            self._segments.append(phrase)
            self.say(type="text", data={"text": f"{phrase} "})
            self.say(type="flush")


class BulbulTts(SocketTts):
    """Sarvam Bulbul."""

    name = "sarvam"
    vendor_url = "wss://api.sarvam.ai"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VoiceOptions):
        """Keys of ``provider = "sarvam"``."""

        model: str = "bulbul:v3"
        voice: str = "shubh"
        language: str = "hi-IN"
        pace: float = 1.0
        """How fast; 1 is usual."""
        min_buffer_size: int = 30
        """Characters that are collected before speech begins; a phrase is flushed in any case."""
        max_chunk_length: int = 150
        """Longest text that is spoken in one go, in characters."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return "/text-to-speech/ws", {"model": self.options.model, "send_completion_event": True}

    def headers(self) -> Mapping[str, str]:
        return {"API-SUBSCRIPTION-KEY": self.options.api_key}

    def diction(self, audio: AudioFormat) -> BulbulDiction:
        options = self.options
        config = {
            "model": options.model,
            "language_code": options.language,
            "speaker": options.voice,
            "pace": options.pace,
            "min_buffer_size": options.min_buffer_size,
            "max_chunk_length": options.max_chunk_length,
        }
        return BulbulDiction(audio, config)
