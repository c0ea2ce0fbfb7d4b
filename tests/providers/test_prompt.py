from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.agency import Agency
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.cartesia import CartesiaTts
from mediasrv.providers.prompt import PromptTts
from mediasrv.providers.scripted import tone
from mediasrv.providers.spoken import once
from tests.call.stage import agent_options
from tests.virtual import run_virtually


class Hesitant(Tts):
    """Begins with 150 ms of silence."""

    name = "hesitant"

    def __init__(self) -> None:
        super().__init__(None)
        self.prepared = 0
        self.closed = False

    async def prepare(self) -> None:
        self.prepared += 1

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return L16_16K

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        try:
            async for phrase in phrases:
                yield Speech(bytes(L16_16K.bytes_in(50)))
                yield Speech(bytes(L16_16K.bytes_in(50)), phrase)
                yield Speech(bytes(L16_16K.bytes_in(50)) + tone(200, 440, L16_16K))
                yield Speech(bytes(L16_16K.bytes_in(100)))
        finally:
            self.closed = True


def test_what_is_said_begins_with_the_voice_and_keeps_its_words_in_front() -> None:
    async def pieces() -> list[Speech]:
        return [piece async for piece in PromptTts(Hesitant()).speak(once("Hello."), MULAW_8K)]

    words, voice, pause = run_virtually(pieces())
    assert (words.text, words.audio) == ("Hello.", b"")
    assert L16_16K.bytes_in(200) <= len(voice.audio) <= L16_16K.bytes_in(215)
    assert pause.audio == bytes(L16_16K.bytes_in(100))


def test_who_stops_it_stops_the_voice() -> None:
    async def stop() -> bool:
        voice = Hesitant()
        speech = PromptTts(voice).speak(once("Hello."), MULAW_8K)
        await anext(speech)
        await speech.aclose()
        return voice.closed

    assert run_virtually(stop())


def test_it_is_like_the_voice_in_all_else() -> None:
    async def prepared() -> tuple[str, AudioFormat, bool, int]:
        voice = Hesitant()
        prompt = PromptTts(voice)
        await prompt.prepare()
        return prompt.name, prompt.format_for(MULAW_8K), prompt.joins, voice.prepared

    assert run_virtually(prepared()) == ("hesitant", L16_16K, False, 1)
    assert PromptTts(CartesiaTts(CartesiaTts.Options())).joins


@pytest.mark.parametrize("cuts", [True, False])
def test_an_agents_voice_is_prompt_unless_its_silence_is_wanted(cuts: bool) -> None:
    agency = Agency({"desk": agent_options(cuts_silence=cuts)})
    assert isinstance(agency._roles["desk"].voice._tts, PromptTts) is cuts
