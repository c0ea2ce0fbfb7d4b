"""Cartesia Sonic: a context for each reply, words with their times.

A context goes on with the melody of what it said before, and expires a second after its last audio; a reply that pauses
longer, because a tool is at work, goes on in another one. What is being generated when a context is cancelled keeps
coming, so messages of any context but ours are dropped. Sources: Cartesia's Python client and its guides to contexts
and buffering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import Speech
from mediasrv.providers.contextdiction import ContextDiction
from mediasrv.providers.diction import NOTHING, Diction, Message
from mediasrv.providers.loosejson import decoded, numbers, parse, strings, table, word
from mediasrv.providers.sockettts import SocketTts, VoiceOptions
from mediasrv.providers.vendor import refusal

_ENCODINGS = {Encoding.MULAW: "pcm_mulaw", Encoding.ALAW: "pcm_alaw", Encoding.L16: "pcm_s16le"}
# A context lives for a second after its last audio; what we send takes a while to get there.
_CONTEXT_LIFE_S = 0.8


class SonicDiction(ContextDiction):
    """One socket of ``/tts/websocket``."""

    provider = "cartesia"

    def __init__(self, audio: AudioFormat, request: Mapping[str, Any]) -> None:
        """``request``: what every message of a context repeats."""
        super().__init__(audio)
        self._request = request
        self._zero_ms = 0.0  # of the context, in the reply
        self._audio_s = 0.0

    def speak(self, phrase: str, now: float) -> None:
        if not self.context or (not self.captions.has_untold and now > self._audio_s + _CONTEXT_LIFE_S):
            self.name_context()
            self._zero_ms = self.captions.received_ms
            self._audio_s = now
        self.captions.add(phrase)
        # Transcripts are joined as they are.
        self._generate(f"{phrase} ", goes_on=True)

    def end_context(self) -> None:
        self._generate("", goes_on=False)

    def cancel(self) -> None:
        if self.context:
            self.say(context_id=self.context, cancel=True)
        self.forget()

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        event = parse(message)
        kind, context = event.get("type"), event.get("context_id")
        if kind == "error" and context in (self.context, None, ""):
            return self._fail(event)
        if not self.context or context != self.context:
            return NOTHING
        match kind:
            case "chunk":
                self._audio_s = now
                return self.captions.push(decoded(event, "data"))
            case "timestamps":
                self._time(table(event, "word_timestamps"))
            case "done":
                self.context = ""
                return self.captions.finish()
        return NOTHING

    def _generate(self, transcript: str, *, goes_on: bool) -> None:
        self.say(**self._request, context_id=self.context, transcript=transcript, **{"continue": goes_on})

    def _time(self, times: Mapping[str, Any]) -> None:
        for text, start_s in zip(strings(times, "words"), numbers(times, "start"), strict=False):
            self.captions.time(text, self._zero_ms + start_s * 1000)

    def _fail(self, event: Mapping[str, Any]) -> Sequence[Speech]:
        if self.context and not self.captions.has_untold:
            # It expired just when it was to go on or to end, and everything was said.
            self.context = ""
            return self.captions.finish()
        status = event.get("status_code")
        kind = word(event.get("error_code"))
        if isinstance(status, int):
            raise refusal("tts", self.provider, status, kind)
        raise self.failure(f"reported an error {kind}".rstrip(), retryable=True)


class CartesiaTts(SocketTts):
    """Cartesia Sonic."""

    name = "cartesia"
    vendor_url = "wss://api.cartesia.ai"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VoiceOptions):
        """Keys of ``provider = "cartesia"``."""

        model: str = "sonic-3.5"
        version: str = "2026-03-01"
        """Of the interface; it decides the shape of messages."""
        max_buffer_delay_ms: int = 0
        """How long text is collected before it is spoken; whole phrases need none of it, the vendor's 3000 is late."""
        timestamps: bool = True
        """Ask when each word is spoken, so that the bot knows where it was interrupted."""

    options: Options

    @property
    def joins(self) -> bool:
        # "Contexts maintain prosody between their inputs" (guide to contexts); not heard by us.
        return True

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return "/tts/websocket", {}

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.options.api_key}", "Cartesia-Version": self.options.version}

    def diction(self, audio: AudioFormat) -> Diction:
        options = self.options
        output = {"container": "raw", "encoding": _ENCODINGS[audio.encoding], "sample_rate": audio.rate_hz}
        request = {
            "model_id": options.model,
            "voice": {"mode": "id", "id": options.voice},
            "language": options.language,
            "add_timestamps": options.timestamps,
            "use_normalized_timestamps": False,
            "max_buffer_delay_ms": options.max_buffer_delay_ms,
            "output_format": output,
        }
        return SonicDiction(audio, request)
