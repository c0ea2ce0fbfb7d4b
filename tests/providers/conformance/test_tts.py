"""Voices that do not conform, likewise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable
from typing import Any, ClassVar

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.scripted import tone
from tests.providers.conformance.trying import failed


class Voice(Tts):
    """Speaks 60 ms a character, unless it is told otherwise."""

    name = "voice"
    audio: ClassVar[AudioFormat] = MULAW_8K

    def __init__(self, options: Any = None) -> None:
        super().__init__(options)

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return self.audio

    def render(self, phrase: str) -> bytes:
        return tone(60 * len(phrase), 440, self.audio)

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            audio = self.render(phrase)
            yield Speech(audio[:800], phrase)
            yield Speech(audio[800:])


class WrongRate(Voice):
    audio = L16_8K

    def render(self, phrase: str) -> bytes:
        return tone(60 * len(phrase), 440, AudioFormat(self.audio.encoding, 48000))


class HalfSamples(Voice):
    audio = L16_16K

    def render(self, phrase: str) -> bytes:
        return super().render(phrase) + b"\0"


class Muted(Voice):
    def render(self, phrase: str) -> bytes:
        return b"\xff" * len(super().render(phrase))


class Mumbling(Voice):
    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            yield Speech(self.render(phrase), phrase.lower())


class TooEarly(Voice):
    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            yield Speech(self.render(phrase))
            yield Speech(b"", phrase)


class Hoarding(Voice):
    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        for phrase in [each async for each in phrases]:
            yield Speech(self.render(phrase), phrase)


class Dumb(Voice):
    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for _ in phrases:
            continue
        return
        yield Speech(b"")


class Babbling(Voice):
    """Never drops anything."""

    rest = b""

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            self.rest += self.render(phrase)
            await asyncio.sleep(0.01)
            text = phrase
            while self.rest:
                piece, self.rest = self.rest[:800], self.rest[800:]
                yield Speech(piece, text)
                text = ""


@pytest.mark.parametrize(
    ("voice", "check", "amiss"),
    [
        (WrongRate(), "streams", "speaks for 10800 ms; 775 to 7750 are plausible: right rate?"),
        (HalfSamples(), "streams", "cuts its audio within a sample"),
        (Muted(), "streams", "gives silence"),
        (Mumbling(), "streams", "tells the text 'hello there. how are you today?' with its audio, not "),
        (TooEarly(), "streams", "gives audio before the text that is spoken with it"),
        (Hoarding(), "answers", "not done within 20 s"),
        (Dumb(), "streams", "says nothing"),
        (Babbling(), "stops", "goes on with a reply that was stopped: "),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Tts) else "",
)
def test_a_voice_that_does_not_conform_is_found(voice: Tts, check: str, amiss: str) -> None:
    found = failed(voice)
    assert list(found) == [check]
    assert found[check].startswith(amiss)
