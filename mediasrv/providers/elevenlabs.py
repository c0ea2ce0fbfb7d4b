"""ElevenLabs over its multi-context WebSocket: a context for each reply, characters with their times.

With ``auto_mode`` each flushed phrase is spoken at once; without, the vendor waits for 120 characters. A context that
is closed still says what was flushed, so messages of any context but ours are dropped. Times count from the beginning
of the audio that they come with. Sources: ElevenLabs' AsyncAPI specification and Python client.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import Speech
from mediasrv.providers.contextdiction import ContextDiction
from mediasrv.providers.diction import NOTHING, Diction, Message
from mediasrv.providers.loosejson import decoded, numbers, parse, strings, table, text, word
from mediasrv.providers.sockettts import SocketTts, VoiceOptions

ORIGIN = "https://api.elevenlabs.io"
_ENCODINGS = {Encoding.MULAW: "ulaw", Encoding.ALAW: "alaw", Encoding.L16: "pcm"}
# The longest that the vendor grants: a tool may be at work in the middle of a reply.
_INACTIVITY_S = 180
# Both spellings occur.
_START_KEYS = ("charStartTimesMs", "charsStartTimesMs")
# What the same request would meet again, here or in a moment.
_FATAL_ERRORS = frozenset(
    {"invalid_api_key", "quota_exceeded", "voice_not_found", "model_not_found", "invalid_request"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElevenLabsOptions(VoiceOptions):
    """Keys of both of the vendor's services."""

    model: str = "eleven_flash_v2_5"
    language: str = ""
    """Language code; empty: as the text has it."""
    stability: float = -1.0
    """From 0, lively, to 1; below 0: as the voice is set up, and so on."""
    similarity_boost: float = -1.0
    style: float = -1.0
    speed: float = -1.0
    """From 0.7 to 1.2."""

    def voice_settings(self) -> dict[str, float]:
        """The settings that are not left to the voice."""
        names = ("stability", "similarity_boost", "style", "speed")
        return {name: getattr(self, name) for name in names if getattr(self, name) >= 0}


def output_format(audio: AudioFormat) -> str:
    """The vendor's name of a format."""
    return f"{_ENCODINGS[audio.encoding]}_{audio.rate_hz}"


def words_of(alignment: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Words, or the parts of them that this audio has, with their beginnings in milliseconds."""
    starts = next((found for key in _START_KEYS if (found := numbers(alignment, key))), [])
    letters, at_ms = "", 0.0
    for char, start_ms in zip(strings(alignment, "chars"), starts, strict=False):
        if char.isspace():
            yield letters, at_ms
            letters = ""
        else:
            at_ms = at_ms if letters else start_ms
            letters += char
    yield letters, at_ms


class MultiContextDiction(ContextDiction):
    """One socket of ``/multi-stream-input``."""

    provider = "elevenlabs"
    # The vendor's limit is 20 s, and what keeps a context alive has to come a few times within it.
    idle_s = 10.0

    def __init__(self, audio: AudioFormat, voice_settings: Mapping[str, float]) -> None:
        super().__init__(audio)
        self._voice_settings = voice_settings

    def speak(self, phrase: str, now: float) -> None:
        if not self.context:
            self.name_context()
            settings = {"voice_settings": self._voice_settings} if self._voice_settings else {}
            self.say(text=" ", context_id=self.context, **settings)
        self.captions.add(phrase)
        self.say(text=f"{phrase} ", context_id=self.context, flush=True)

    def end_context(self) -> None:
        self.say(context_id=self.context, close_context=True)

    def cancel(self) -> None:
        if self.context and not self.is_whole:
            self.end_context()
        self.forget()

    def keep_alive(self) -> None:
        # Named before it is opened, a context would be refused.
        self.say(text="", **({"context_id": self.context} if self.context and not self.is_whole else {}))

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        event = parse(message)
        context = text(event, "contextId") or text(event, "context_id")
        if event.get("error") and context in (self.context, ""):
            kind = word(event.get("error"))
            fails_again = kind in _FATAL_ERRORS or event.get("code") in tuple(self.fatal)
            raise self.failure(f"reported an error {kind}".rstrip(), retryable=not fails_again)
        if not self.context or context != self.context:
            return NOTHING
        pieces: list[Speech] = []
        if payload := decoded(event, "audio"):
            zero_ms = self.captions.received_ms
            for letters, at_ms in words_of(table(event, "alignment")):
                self.captions.time(letters, zero_ms + at_ms)
            pieces += self.captions.push(payload)
        if event.get("isFinal") is True:
            self.context = ""
            pieces += self.captions.finish()
        return pieces


class ElevenLabsTts(SocketTts):
    """ElevenLabs."""

    name = "elevenlabs"
    vendor_url = ORIGIN

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(ElevenLabsOptions):
        """Keys of ``provider = "elevenlabs"``."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return f"/v1/text-to-speech/{quote(self.options.voice, safe='')}/multi-stream-input", {
            "model_id": self.options.model,
            "language_code": self.options.language,
            "output_format": output_format(audio),
            "auto_mode": True,
            "sync_alignment": True,
            "inactivity_timeout": _INACTIVITY_S,
        }

    def headers(self) -> Mapping[str, str]:
        return {"xi-api-key": self.options.api_key}

    def diction(self, audio: AudioFormat) -> Diction:
        return MultiContextDiction(audio, self.options.voice_settings())
