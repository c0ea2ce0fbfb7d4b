"""Deepgram Flux text-to-speech: each flushed phrase is a turn, between ``SpeechStarted`` and ``SpeechMetadata``.

The voice keeps its state from turn to turn of a socket. ``Interrupt`` stops the turn that is being spoken, and
``SpeechInterrupted`` says that it did; a socket with more turns behind that one is not used again. Sources: Deepgram's
Python client and its guides to Flux text-to-speech.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ConfigError
from mediasrv.net.origin import Query
from mediasrv.providers.aura import ENCODINGS, FATAL_CODES, ORIGIN
from mediasrv.providers.base import Speech
from mediasrv.providers.diction import NOTHING, Message, SegmentDiction
from mediasrv.providers.loosejson import parse, word
from mediasrv.providers.sockettts import SocketTts, VoiceOptions

# Answers to an ``Interrupt`` that came when there was nothing to stop any more.
_ALL_QUIET = frozenset({"NO_ACTIVE_SPEECH", "NO_AUDIO_GENERATED"})


class FluxDiction(SegmentDiction):
    """One socket of ``/v2/speak``."""

    provider = "flux_tts"

    def __init__(self, audio: AudioFormat) -> None:
        super().__init__(audio)
        self._is_lost = False  # nobody knows what it is going to say

    def speak(self, phrase: str, now: float) -> None:
        self._segments.append(phrase)
        self.say(type="Speak", text=f"{phrase} ")
        self.say(type="Flush")

    def cancel(self) -> None:
        # Before its first audio, the vendor would not know what to interrupt.
        can_stop = len(self._segments) == 1 and self._is_told
        if can_stop:
            self.say(type="Interrupt")
        if self._segments:
            self.forget()
            self._is_lost = not can_stop
        self._is_whole = True

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        if isinstance(message, bytes):
            return self.heard(message)
        event = parse(message)
        kind = word(event.get("code"))
        match event.get("type"):
            case "SpeechMetadata":
                return self.done()
            case "SpeechInterrupted":
                self._stop()
            case "Warning" if kind in _ALL_QUIET:
                self._stop()
            case "Error":
                raise self.failure(f"reported an error {kind}".rstrip(), retryable=not kind.startswith(FATAL_CODES))
        return NOTHING

    def _stop(self) -> None:
        if not self._is_lost:
            self.stopped()


class FluxTts(SocketTts):
    """Deepgram Flux text-to-speech."""

    name = "flux_tts"
    vendor_url = ORIGIN
    needs_voice = False

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VoiceOptions):
        """Keys of ``provider = "flux_tts"``."""

        model: str = ""
        """``flux-VOICE-LANGUAGE``; empty: put together from ``voice`` and ``language``."""
        voice: str = "alexis"
        speed: float = 0.0
        """1 is usual; 0: as the model has it."""
        expressivity: float = 0.0
        """0: as the model has it."""

    options: Options

    async def start(self) -> None:
        if not self._model().startswith("flux-"):
            raise ConfigError("tts provider flux_tts has models named flux-VOICE-LANGUAGE; for others use aura")
        await super().start()

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return "/v2/speak", {
            "model": self._model(),
            "encoding": ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "speed": self.options.speed or "",
            "expressivity": self.options.expressivity or "",
        }

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self.options.api_key}"}

    def diction(self, audio: AudioFormat) -> FluxDiction:
        return FluxDiction(audio)

    def _model(self) -> str:
        return self.options.model or f"flux-{self.options.voice}-{self.options.language}"
