"""Deepgram Aura over its WebSocket: text is spoken when it is flushed, and ``Flushed`` says that it was.

Audio carries no name, so after a ``Clear`` what comes is dropped until ``Cleared``. Flushes are counted by the vendor,
20 in 60 s: in a reply of more phrases than that, some are spoken together with the next. Sources: Deepgram's API
specification and its guides to ``Flush`` and ``Clear``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.net.origin import Query
from mediasrv.providers.base import Speech
from mediasrv.providers.diction import NOTHING, Message, SegmentDiction
from mediasrv.providers.loosejson import parse, text, word
from mediasrv.providers.sockettts import SocketTts, VoiceOptions

ORIGIN = "wss://api.deepgram.com"
ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.L16: "linear16"}
_WINDOW_S = 60.0
_MOST_FLUSHES = 20
# A socket with fewer left is not worth keeping for another reply.
_ENOUGH_FLUSHES = 6
# What the same request would meet again: bad commands, messages that are too large or no messages.
FATAL_CODES = ("DATA-", "BIG-", "MESSAGE-", "INVALID_AUTH")


class AuraDiction(SegmentDiction):
    """One socket of ``/v1/speak``."""

    provider = "aura"

    def __init__(self, audio: AudioFormat) -> None:
        super().__init__(audio)
        self._unflushed = ""
        self._flushes_s: deque[float] = deque()

    @property
    def owes(self) -> bool:
        return super().owes or bool(self._unflushed)

    @property
    def is_free(self) -> bool:
        return super().is_free and len(self._flushes_s) <= _MOST_FLUSHES - _ENOUGH_FLUSHES

    def speak(self, phrase: str, now: float) -> None:
        self._unflushed = f"{self._unflushed} {phrase}".lstrip()
        self.say(type="Speak", text=f"{phrase} ")
        while self._flushes_s and now > self._flushes_s[0] + _WINDOW_S:
            self._flushes_s.popleft()
        # The last one is for the end of the reply.
        if len(self._flushes_s) < _MOST_FLUSHES - 1:
            self._flush(now)

    def finish(self, now: float) -> None:
        super().finish(now)
        if self._unflushed:
            self._flush(now)

    def cancel(self) -> None:
        if self.owes:
            self.say(type="Clear")
            self.forget()
        self._unflushed, self._is_whole = "", True

    def read(self, message: Message, now: float) -> Sequence[Speech]:
        if isinstance(message, bytes):
            return self.heard(message)
        event = parse(message)
        match event.get("type"):
            case "Flushed":
                return self.done()
            case "Cleared":
                self.stopped()
            case "Warning" if self.owes and "flush" in text(event, "description").lower():
                raise self.failure(f"does not flush {word(event.get('code'))}".rstrip(), retryable=True)
            case "Error":
                code = word(event.get("code"))
                raise self.failure(f"reported an error {code}".rstrip(), retryable=not code.startswith(FATAL_CODES))
        return NOTHING

    def _flush(self, now: float) -> None:
        self.say(type="Flush")
        self._flushes_s.append(now)
        self._segments.append(self._unflushed)
        self._unflushed = ""


class AuraTts(SocketTts):
    """Deepgram Aura."""

    name = "aura"
    vendor_url = ORIGIN
    needs_voice = False

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VoiceOptions):
        """Keys of ``provider = "aura"``."""

        model: str = "aura-2-thalia-en"
        """Generation, voice and language in one name."""
        voice: str = ""
        """The same as ``model``: Deepgram's voices are its models."""
        language: str = ""
        """Decided by the model."""
        speed: float = 0.0
        """1 is usual; 0: as the model has it."""

    options: Options

    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        return "/v1/speak", {
            "model": self.options.voice or self.options.model,
            "encoding": ENCODINGS[audio.encoding],
            "sample_rate": audio.rate_hz,
            "speed": self.options.speed or "",
        }

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Token {self.options.api_key}"}

    def diction(self, audio: AudioFormat) -> AuraDiction:
        return AuraDiction(audio)
