import asyncio
from collections.abc import AsyncGenerator, AsyncIterable

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.call.voice import Voice
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.cartesia import CartesiaTts
from tests.virtual import run_virtually


class Slow(Tts):
    """Takes a second a phrase, and speaks at 16 kHz."""

    name = "slow"

    def __init__(self) -> None:
        super().__init__(None)
        self.spoken: list[str] = []
        self.prepared = 0
        self.fails_after: int | None = None

    async def prepare(self) -> None:
        self.prepared += 1

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return L16_16K

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        async for phrase in phrases:
            await asyncio.sleep(1)
            self.spoken.append(phrase)
            if self.fails_after == 0:
                raise ProviderError("HTTP 500", stage="tts", provider="slow", retryable=True)
            yield Speech(bytes(L16_16K.bytes_in(100)), phrase)
            if self.fails_after == 1:
                raise ProviderError("HTTP 500", stage="tts", provider="slow", retryable=True)


async def said(voice: Voice, text: str, wanted: AudioFormat = MULAW_8K) -> tuple[str, int, float]:
    loop = asyncio.get_running_loop()
    begun = loop.time()
    pieces = [piece async for piece in voice.say(text, wanted)]
    return "".join(p.text for p in pieces), sum(len(p.audio) for p in pieces), loop.time() - begun


def test_a_phrase_is_spoken_in_the_format_that_is_wanted() -> None:
    text, size, took_s = run_virtually(said(Voice(Slow()), "Hello."))
    assert (text, size) == ("Hello.", MULAW_8K.bytes_in(100))
    assert took_s == pytest.approx(1)


def test_it_is_told_which_set_phrases_were_there() -> None:
    async def say() -> list[bool]:
        found: list[bool] = []
        voice = Voice(Slow(), looked_up=found.append)
        await voice.render("Hello.", MULAW_8K)
        for text in ("Hello.", "Goodbye."):
            await said(voice, text)
        return found

    assert run_virtually(say()) == [True, False]


def test_what_was_rendered_is_there_at_once_and_as_often_as_it_is_wanted() -> None:
    async def twice() -> list[tuple[str, int, float]]:
        voice = Voice(Slow())
        await voice.render("Hello.", MULAW_8K)
        await voice.render("Hello.", MULAW_8K)
        return [await said(voice, "Hello."), await said(voice, "Hello.")]

    assert run_virtually(twice()) == [("Hello.", MULAW_8K.bytes_in(100), 0)] * 2


@pytest.mark.parametrize("is_rendered", [False, True])
def test_a_text_is_said_as_a_person_would_and_told_as_it_was_given(is_rendered: bool) -> None:
    async def live() -> tuple[list[str], str]:
        tts, text = Slow(), "**Pay** ₹5 lakh at x.in"
        voice = Voice(tts)
        if is_rendered:
            await voice.render(text, MULAW_8K)
        told = (await said(voice, text))[0]
        return tts.spoken, told

    assert run_virtually(live()) == (["Pay 5 lakh rupees at x dot in"], "**Pay** ₹5 lakh at x.in")


@pytest.mark.parametrize("is_rendered", [False, True])
def test_a_text_without_words_is_not_said(is_rendered: bool) -> None:
    async def live() -> tuple[list[str], tuple[str, int, float]]:
        tts = Slow()
        voice = Voice(tts)
        if is_rendered:
            await voice.render("👋", MULAW_8K)
        return tts.spoken, await said(voice, "👋")

    assert run_virtually(live()) == ([], ("", 0, 0))


def test_what_was_rendered_for_one_format_is_made_anew_for_another() -> None:
    async def other() -> float:
        voice = Voice(Slow())
        await voice.render("Hello.", MULAW_8K)
        return (await said(voice, "Hello.", L16_16K))[2]

    assert run_virtually(other()) == pytest.approx(1)


def test_no_text_is_not_rendered() -> None:
    tts = Slow()
    run_virtually(Voice(tts).render("", MULAW_8K))
    assert tts.spoken == []


@pytest.mark.parametrize("fails_after", [0, 1])
def test_what_was_rendered_for_another_format_is_better_than_nothing(fails_after: int) -> None:
    async def other() -> tuple[str, int, float]:
        tts = Slow()
        voice = Voice(tts)
        await voice.render("Hello.", MULAW_8K)
        tts.fails_after = fails_after
        return await said(voice, "Hello.", L16_16K)

    if fails_after:
        # Half of it was heard.
        with pytest.raises(ProviderError):
            run_virtually(other())
    else:
        assert run_virtually(other()) == ("Hello.", L16_16K.bytes_in(100), 1)


def test_what_was_not_rendered_and_cannot_be_said_is_an_error() -> None:
    tts = Slow()
    tts.fails_after = 0
    with pytest.raises(ProviderError):
        run_virtually(said(Voice(tts), "Hello."))


def test_what_was_rendered_is_given_in_any_format() -> None:
    async def all_of_it() -> list[int]:
        voice = Voice(Slow())
        await voice.render("Hello.", MULAW_8K)
        assert voice.rendered("Bye.", MULAW_8K) == ()
        assert voice.rendered("Hello.", L16_16K) is voice.rendered("Hello.", L16_16K)
        return [sum(len(piece.audio) for piece in voice.rendered("Hello.", each)) for each in (MULAW_8K, L16_16K)]

    assert run_virtually(all_of_it()) == [MULAW_8K.bytes_in(100), L16_16K.bytes_in(100)]


def test_it_joins_phrases_where_its_provider_does() -> None:
    assert not Voice(Slow()).joins
    assert Voice(CartesiaTts(CartesiaTts.Options())).joins


def test_the_voice_is_told_of_calls_to_come() -> None:
    tts = Slow()
    run_virtually(Voice(tts).prepare())
    assert tts.prepared == 1
