"""Cartesia Sonic: a context for each reply, words with their times.

A context goes on with the melody of what it said before, and expires a second after its last audio; a reply that pauses
longer, because a tool is at work, goes on in another one. What is being generated when a context is cancelled keeps
coming, so messages of any context but ours are dropped. Sources: Cartesia's Python client and its guides to contexts
and buffering.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import Speech
from mediasrv.providers.captions import Captions
from mediasrv.providers.diction import NOTHING, Diction, Message, decoded, numbers, strings
from mediasrv.providers.loosejson import parse_object, table, word
from mediasrv.providers.sockettts import SocketTts, VoiceOptions
from mediasrv.providers.vendor import refusal

_ENCODINGS = {Encoding.MULAW: "pcm_mulaw", Encoding.ALAW: "pcm_alaw", Encoding.L16: "pcm_s16le"}
# A context lives for a second after its last audio; what we send takes a while to get there.
_CONTEXT_LIFE_S = 0.8


class SonicDiction(Diction):
    """One socket of ``/tts/websocket``."""

    provider = "cartesia"

    def __init__(self, audio: AudioFormat, request: Mapping[str, Any]) -> None:
        """``request``: what every message of a context repeats."""
        super().__init__(audio)
        self._request = request
        self._name, self._count = token_hex(4), 0
        self._context = ""
        self._zero_ms = 0.0  # of the context, in the reply
        self._audio_s = 0.0
        self._captions = Captions(audio)
        self._is_whole = True

    @property
    def is_over(self) -> bool:
        return self._is_whole and not self._context

    @property
    def owes(self) -> bool:
        return bool(self._context) and (self._is_whole or self._captions.has_untold)

    @property
    def is_free(self) -> bool:
        return self.is_over

    def begin(self) -> None:
        self._captions = Captions(self.audio)
        self._is_whole = False

    def speak(self, phrase: str, now: float) -> None:
        if not self._context or (not self._captions.has_untold and now > self._audio_s + _CONTEXT_LIFE_S):
            self._count += 1
            self._context = f"{self._name}-{self._count}"
            self._captions.restart()
            self._zero_ms = self._captions.received_ms
            self._audio_s = now
        self._captions.add(phrase)
        # Transcripts are joined as they are.
        self._generate(f"{phrase} ", goes_on=True)

    def finish(self, now: float) -> None:
        self._is_whole = True
        if self._context:
            self._generate("", goes_on=False)

    def cancel(self) -> None:
        if self._context:
            self.say(context_id=self._context, cancel=True)
        self._context, self._is_whole = "", True

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        event = parse_object(message) or {}
        context = event.get("context_id")
        if event.get("type") == "error" and context in (self._context, None, ""):
            return self._fail(event)
        if not self._context or context != self._context:
            return NOTHING
        match event.get("type"):
            case "chunk":
                self._audio_s = now
                return self._captions.push(decoded(event.get("data")))
            case "timestamps":
                self._time(table(event, "word_timestamps"))
            case "done":
                self._context = ""
                return self._captions.finish()
        return NOTHING

    def _generate(self, transcript: str, *, goes_on: bool) -> None:
        self.say(**self._request, context_id=self._context, transcript=transcript, **{"continue": goes_on})

    def _time(self, times: Mapping[str, Any]) -> None:
        for text, start_s in zip(strings(times, "words"), numbers(times, "start"), strict=False):
            self._captions.time(text, self._zero_ms + start_s * 1000)

    def _fail(self, event: Mapping[str, Any]) -> Sequence[Speech]:
        if self._context and not self._captions.has_untold:
            # It expired just when it was to go on or to end, and everything was said.
            self._context = ""
            return self._captions.finish()
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
