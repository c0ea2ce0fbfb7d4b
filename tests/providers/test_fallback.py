import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Delta, Llm, Message, Speech, TextDelta, ToolSpec, Tts
from mediasrv.providers.crew import Crew, Patience
from mediasrv.providers.fallback import MAX_VOICES, FallbackLlm, FallbackTts
from tests.virtual import run_virtually

PATIENCE = Patience(first_min_ms=300, first_max_ms=1000, limit_ms=10**6, gap_ms=1000, extra_percent=100)
PHRASES = ("One two three.", "Four five.", "Six.")


def failure(stage: str) -> ProviderError:
    return ProviderError("no", stage=stage, provider="x", retryable=True)


class Talker(Llm):
    name = "talker"

    def __init__(self, text: str = "", error: Exception | None = None) -> None:
        super().__init__(None)
        self.text, self.error = text, error
        self.seen: list[Sequence[Message]] = []
        self.warmed = self.prepared = 0

    async def warm(self, messages: Sequence[Message]) -> None:
        self.warmed += 1

    async def prepare(self) -> None:
        self.prepared += 1

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        self.seen.append(messages)
        if self.error is not None:
            raise self.error
        yield TextDelta(self.text)


class Speaker(Tts):
    """Gives a sample a phrase, or a word, and breaks off before the phrase of a number."""

    name = "speaker"

    def __init__(
        self,
        byte: bytes,
        breaks_at: int = 99,
        by_word: bool = False,
        audio: AudioFormat = MULAW_8K,
        *,
        hangs: bool = False,
    ) -> None:
        super().__init__(None)
        self.hangs = hangs
        self.asked = 0
        self.byte, self.breaks_at, self.by_word, self.audio = byte, breaks_at, by_word, audio
        self.prepared = 0

    async def prepare(self) -> None:
        self.prepared += 1

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return self.audio

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        count = 0
        self.asked += 1
        async for phrase in phrases:
            if count == self.breaks_at:
                await asyncio.sleep(1000 if self.hangs else 0)
                raise failure("tts")
            for words in phrase.split() if self.by_word else [phrase]:
                yield Speech(self.byte, words)
            count += 1


async def spoken(*speakers: Speaker, source: AsyncGenerator[str] | None = None) -> list[tuple[bytes, str]]:
    async def given() -> AsyncGenerator[str]:
        for phrase in PHRASES:
            await asyncio.sleep(0.01)
            yield phrase

    tts = FallbackTts(Crew("tts", speakers, PATIENCE))
    return [(piece.audio, piece.text) async for piece in tts.speak(source or given(), MULAW_8K)]


def test_the_language_models_answer_is_passed_on() -> None:
    async def reply() -> list[Any]:
        llm = FallbackLlm(Crew("llm", [Talker(error=failure("llm")), Talker("Hello.")], PATIENCE))
        return [delta async for delta in llm.reply([Message("user", "Hi")])]

    assert run_virtually(reply()) == [TextDelta("Hello.")]


def test_every_attempt_sees_the_same_conversation() -> None:
    first, second = Talker(error=failure("llm")), Talker("Hello.")

    async def reply() -> None:
        messages = [Message("user", "Hi")]
        stream = FallbackLlm(Crew("llm", [first, second], PATIENCE)).reply(messages)
        pending = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        messages.append(Message("assistant", "changed meanwhile"))
        await pending
        await stream.aclose()

    run_virtually(reply())
    assert [len(seen) for seen in first.seen + second.seen] == [1, 1]


def test_whoever_broke_off_in_a_call_is_asked_last_in_it_and_in_no_other() -> None:
    class Mumbler(Talker):
        async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
            self.seen.append(messages)
            yield TextDelta("Hel")
            raise failure("llm")

    first = Mumbler()

    async def two_calls() -> list[Any]:
        llm = FallbackLlm(Crew("llm", [first, Talker("Hello.")], PATIENCE))
        this, other = llm.for_call(), llm.for_call()
        for call in (this, other):
            with pytest.raises(ProviderError):
                _ = [delta async for delta in call.reply([])]
        return [delta async for delta in this.reply([])]

    assert run_virtually(two_calls()) == [TextDelta("Hello.")]
    assert len(first.seen) == 2
    talker = Talker()
    assert talker.for_call() is talker


def test_one_voice_speaks_all_phrases_when_it_can() -> None:
    assert run_virtually(spoken(Speaker(b"a"), Speaker(b"b"))) == [(b"a", phrase) for phrase in PHRASES]


def test_a_voice_that_cannot_begin_is_replaced_before_anything_is_heard() -> None:
    assert run_virtually(spoken(Speaker(b"a", 0), Speaker(b"b"))) == [(b"b", phrase) for phrase in PHRASES]


@pytest.mark.parametrize("by_word", [False, True])
def test_a_voice_that_breaks_off_is_replaced_from_the_last_phrase_it_began(by_word: bool) -> None:
    first = Speaker(b"a", 2, by_word)
    pieces = run_virtually(spoken(first, first, Speaker(b"b")))
    words = " ".join(text for _, text in pieces)
    assert words.startswith("One two three. Four five. Four five. Six.") or words.endswith("Four five. Six.")
    assert pieces[0] == (b"a", "One" if by_word else PHRASES[0])


def test_a_voice_that_falls_silent_is_replaced_likewise() -> None:
    pieces = run_virtually(spoken(Speaker(b"a", 1, hangs=True), Speaker(b"b")))
    assert pieces == [(b"a", PHRASES[0]), *((b"b", phrase) for phrase in PHRASES)]


def test_no_voice_is_blamed_for_phrases_that_do_not_come() -> None:
    async def slowly() -> AsyncGenerator[str]:
        for phrase in PHRASES:
            await asyncio.sleep(20)
            yield phrase

    first, second = Speaker(b"a"), Speaker(b"b")
    assert run_virtually(spoken(first, second, source=slowly())) == [(b"a", phrase) for phrase in PHRASES]
    assert (first.asked, second.asked) == (1, 0)


def test_without_a_phrase_no_voice_is_asked() -> None:
    async def nothing() -> AsyncGenerator[str]:
        return
        yield

    speaker = Speaker(b"a")
    assert run_virtually(spoken(speaker, source=nothing())) == []
    assert speaker.asked == 0


def test_voices_that_all_break_off_are_given_up() -> None:
    async def speak() -> int:
        pieces = 0
        tts = FallbackTts(Crew("tts", [Speaker(b"a", 1)], PATIENCE))
        try:
            async for _ in tts.speak(_given(), MULAW_8K):
                pieces += 1
        except ProviderError:
            return pieces
        raise AssertionError("nobody gave up")

    async def _given() -> AsyncGenerator[str]:
        for phrase in PHRASES:
            yield phrase

    assert run_virtually(speak()) == MAX_VOICES


def test_when_nobody_begins_the_caller_waits_once() -> None:
    silent = Speaker(b"a", 0, hangs=True)

    async def wait() -> float:
        begun_s = asyncio.get_running_loop().time()
        patience = replace(PATIENCE, limit_ms=5000)
        speech = FallbackTts(Crew("tts", [silent], patience)).speak(_phrases(), MULAW_8K)
        with pytest.raises(ProviderError):
            await anext(speech)
        return asyncio.get_running_loop().time() - begun_s

    async def _phrases() -> AsyncGenerator[str]:
        yield PHRASES[0]

    assert run_virtually(wait()) == pytest.approx(5.0)
    assert silent.asked == 2


def test_speech_that_is_closed_closes_the_phrases_that_are_still_being_made() -> None:
    closed: list[str] = []

    async def phrases() -> AsyncGenerator[str]:
        try:
            for phrase in PHRASES:
                yield phrase
        finally:
            closed.append("the phrases")

    async def close_early() -> None:
        # Somebody else may hold them too: it is not their being forgotten that closes them.
        source = phrases()
        speech = FallbackTts(Crew("tts", [Speaker(b"a")], PATIENCE)).speak(source, MULAW_8K)
        await anext(speech)
        await speech.aclose()
        assert closed == ["the phrases"]

    run_virtually(close_early())


def test_what_the_phrases_raise_is_raised_after_those_before_it() -> None:
    heard: list[str] = []

    async def breaking() -> AsyncGenerator[str]:
        yield "Half an answer."
        raise failure("llm")

    async def speak() -> None:
        tts = FallbackTts(Crew("tts", [Speaker(b"a"), Speaker(b"b")], PATIENCE))
        heard.extend([piece.text async for piece in tts.speak(breaking(), MULAW_8K)])

    with pytest.raises(ProviderError, match="llm provider"):
        run_virtually(speak())


def test_each_voice_may_have_a_format_of_its_own() -> None:
    pieces = run_virtually(spoken(Speaker(bytes(3200), audio=L16_16K)))
    assert abs(sum(len(audio) for audio, _ in pieces) - 3 * 800) <= 1
    assert FallbackTts(Crew("tts", [Speaker(b"")], PATIENCE)).format_for(MULAW_8K) == MULAW_8K


class Joiner(Speaker):
    @property
    def joins(self) -> bool:
        return True


@pytest.mark.parametrize(("speakers", "joins"), [((Joiner, Joiner), True), ((Joiner, Speaker), False)])
def test_voices_join_phrases_when_all_of_them_do(speakers: tuple[type[Speaker], ...], joins: bool) -> None:
    assert FallbackTts(Crew("tts", [each(b"") for each in speakers], PATIENCE)).joins is joins


def test_warming_and_preparing_reach_the_whole_crew() -> None:
    talkers, speakers = [Talker(), Talker()], [Speaker(b""), Speaker(b"")]

    async def all_of_it() -> None:
        llm, tts = FallbackLlm(Crew("llm", talkers, PATIENCE)), FallbackTts(Crew("tts", speakers, PATIENCE))
        for each in (llm, tts):
            await each.start()
            await each.prepare()
            await each.aclose()
        await llm.warm([])

    run_virtually(all_of_it())
    assert [talker.warmed for talker in talkers] == [1, 1]
    assert [each.prepared for each in talkers] == [each.prepared for each in speakers] == [1, 1]
