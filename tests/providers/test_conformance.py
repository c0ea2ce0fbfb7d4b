"""What every provider owes to the call, whoever wrote it: held against each of ours on the real thing."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar, cast

import pytest

from mediasrv.audio import codec
from mediasrv.audio.format import L16_16K, MULAW_8K, samples_in
from mediasrv.errors import ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import Llm, Message, Provider, Speech, Stt, TextDelta, Transcript, Tts, Usage
from mediasrv.providers.espeak import EspeakTts
from mediasrv.providers.moonshine import MoonshineStt
from mediasrv.providers.piper import PiperTts
from mediasrv.providers.scripted import tone
from mediasrv.providers.smollm2 import SmolLm2
from tests.providers.local import marks

WAIT_S = 30.0
T = TypeVar("T")

STT = [pytest.param("scripted"), pytest.param("moonshine", marks=marks(MoonshineStt))]
LLM = [pytest.param("scripted"), pytest.param("smollm2", marks=marks(SmolLm2))]
TTS = [
    pytest.param("scripted"),
    pytest.param("piper", marks=marks(PiperTts)),
    pytest.param("espeak", marks=marks(EspeakTts)),
]
REALTIME = [pytest.param("openai_realtime")]
ALL = [
    pytest.param(stage, *p.values, marks=p.marks)
    for stage in registry.STAGES
    for p in {"stt": STT, "llm": LLM, "tts": TTS, "realtime": REALTIME}[stage]
]


def running() -> tuple[set[str], set[str]]:
    """Names of this process's threads, but for asyncio's own, and its child processes."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    names = {thread.name for thread in threading.enumerate()}
    # Up to Python 3.11 a thread waits for each child, and outlives it for a moment.
    return {name for name in names if not name.startswith(("asyncio", "waitpid"))}, set(children)


@asynccontextmanager
async def started(stage: str, name: str) -> AsyncIterator[Any]:
    """A provider of a stage, started; afterwards nothing of it may be left."""
    before = running()
    tasks = asyncio.all_tasks()
    provider = registry.build(stage, {"provider": name})
    try:
        await provider.start()
        yield provider
    finally:
        await provider.aclose()
    assert running() == before
    assert asyncio.all_tasks() == tasks


async def bounded(stream: AsyncGenerator[T], count: int = 10_000) -> list[T]:
    """Up to so many items of a stream, which is closed then."""
    items: list[T] = []
    async with asyncio.timeout(WAIT_S), aclosing(stream):
        async for item in stream:
            items.append(item)
            if len(items) == count:
                break
    return items


async def cancelled(work: Callable[[], Any]) -> None:
    """Start some work, cancel it as soon as it waits, and see it end."""
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(WAIT_S):
        await asyncio.wait([task])
    assert task.cancelled()


@pytest.mark.parametrize(("stage", "name"), ALL)
async def test_closing_is_safe_without_a_start_and_twice(stage: str, name: str) -> None:
    provider = registry.build(stage, {"provider": name})
    await provider.aclose()
    await provider.aclose()


# -- speech-to-text ----------------------------------------------------------------------------------------------

STEADY = tone(1000, 300, L16_16K)


@pytest.mark.parametrize("name", STT)
async def test_a_final_answers_its_request_and_the_next_utterance_is_another(name: str) -> None:
    async with started("stt", name) as stt:
        recognition = stt.listen(stt.formats[0])
        recognition.send(STEADY)
        recognition.begin()
        transcripts = recognition.transcripts()
        for request in (1, 2):
            recognition.finalize(request)
            (heard,) = await _next(transcripts)
            assert isinstance(heard, Transcript)
            assert (heard.is_final, heard.request) == (True, request)
        recognition.finalize(3)
        recognition.commit()
        recognition.begin()
        recognition.finalize(4)
        (heard,) = await _next(transcripts)
        assert isinstance(heard, Transcript)
        assert heard.request == 4
        await transcripts.aclose()


@pytest.mark.parametrize("name", STT)
async def test_a_recognition_is_stopped_by_cancelling_and_its_methods_stay_harmless(name: str) -> None:
    async with started("stt", name) as stt:
        recognition = stt.listen(stt.formats[0])
        recognition.begin()
        recognition.send(STEADY)
        recognition.finalize(1)
        await cancelled(lambda: bounded(recognition.transcripts()))
        recognition.send(STEADY)
        recognition.finalize(2)
        recognition.commit()


@pytest.mark.parametrize("name", STT)
async def test_recognitions_of_two_calls_are_apart(name: str) -> None:
    async with started("stt", name) as stt:
        first, second = stt.listen(stt.formats[0]), stt.listen(stt.formats[0])
        for recognition, request in ((first, 1), (second, 2)):
            recognition.begin()
            recognition.send(STEADY)
            recognition.finalize(request)
        heard = await asyncio.gather(bounded(first.transcripts(), 1), bounded(second.transcripts(), 1))
        assert [cast(Transcript, each[0]).request for each in heard] == [1, 2]


async def _next(stream: AsyncGenerator[T]) -> list[T]:
    async with asyncio.timeout(WAIT_S):
        return [await anext(stream)]


# -- language models ---------------------------------------------------------------------------------------------

CHAT = [Message("system", "Answer in one short sentence."), Message("user", "Hello, who are you?")]


@pytest.mark.parametrize("name", LLM)
async def test_a_reply_streams_and_repeats(name: str) -> None:
    async with started("llm", name) as llm:
        await llm.warm(CHAT[:1])
        deltas = await bounded(llm.reply(CHAT))
        texts = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
        assert len(texts) >= 3
        assert all(texts)
        again = await bounded(llm.reply(CHAT))
        assert [delta for delta in again if not isinstance(delta, Usage)] == [TextDelta(text) for text in texts]


@pytest.mark.parametrize("name", LLM)
async def test_a_reply_is_stopped_by_cancelling_and_by_closing(name: str) -> None:
    async with started("llm", name) as llm:
        await cancelled(lambda: bounded(llm.reply(CHAT)))
        assert len(await bounded(llm.reply(CHAT), 1)) == 1
        assert await bounded(llm.reply(CHAT))


@pytest.mark.parametrize("name", LLM)
async def test_replies_at_the_same_time_are_apart(name: str) -> None:
    async with started("llm", name) as llm:
        chats = [[Message("user", f"Tell me about {animal}s.")] for animal in ("cat", "dog", "fish", "horse")]
        replies = await asyncio.gather(*(bounded(llm.reply(chat)) for chat in chats))
        assert all(any(isinstance(delta, TextDelta) for delta in reply) for reply in replies)


# -- text-to-speech ----------------------------------------------------------------------------------------------


async def phrases(*texts: str) -> AsyncGenerator[str]:
    for text in texts:
        yield text


@pytest.mark.parametrize("name", TTS)
async def test_phrases_are_spoken_in_order_and_their_texts_go_with_their_first_audio(name: str) -> None:
    async with started("tts", name) as tts:
        audio = tts.format_for(MULAW_8K)
        pieces = await bounded(tts.speak(phrases("Hello there.", "How are you?"), MULAW_8K))
        assert [piece.text for piece in pieces if piece.text] == ["Hello there.", "How are you?"]
        assert pieces[0].text
        spoken = b"".join(piece.audio for piece in pieces)
        assert len(spoken) % audio.bytes_per_sample == 0
        pcm = codec.decode(audio.encoding, spoken)
        assert samples_in(800, audio.rate_hz) < len(pcm) < samples_in(4000, audio.rate_hz)
        assert abs(pcm).max() > 3000


@pytest.mark.parametrize("name", TTS)
async def test_audio_of_a_phrase_does_not_wait_for_the_next_phrase(name: str) -> None:
    never = asyncio.Event()

    async def slow() -> AsyncGenerator[str]:
        yield "Hello there."
        await never.wait()

    async with started("tts", name) as tts:
        first: list[Speech] = await bounded(tts.speak(slow(), MULAW_8K), 1)
        assert first[0].text == "Hello there."
        assert first[0].audio


@pytest.mark.parametrize("name", TTS)
async def test_speech_is_stopped_by_cancelling_and_the_next_is_whole(name: str) -> None:
    async with started("tts", name) as tts:
        long = "This is a long sentence that nobody will hear to its end, because the caller has broken in."
        whole = await bounded(tts.speak(phrases("Yes."), MULAW_8K))
        await cancelled(lambda: bounded(tts.speak(phrases(long), MULAW_8K)))
        await bounded(tts.speak(phrases(long), MULAW_8K), 1)
        after = await bounded(tts.speak(phrases("Yes."), MULAW_8K))
        assert after[0].text == whole[0].text == "Yes."
        assert len(b"".join(piece.audio for piece in after)) > len(b"".join(piece.audio for piece in whole)) / 2


@pytest.mark.parametrize("name", TTS)
async def test_a_phrase_without_a_word_does_not_break_the_speech(name: str) -> None:
    async with started("tts", name) as tts:
        pieces = await bounded(tts.speak(phrases("...", "Yes."), MULAW_8K))
        assert [piece.text for piece in pieces if piece.text] == ["...", "Yes."]


@pytest.mark.parametrize(
    ("stage", "name"),
    [
        pytest.param("stt", "moonshine", marks=marks(MoonshineStt)),
        pytest.param("llm", "smollm2", marks=marks(SmolLm2)),
        pytest.param("tts", "piper", marks=marks(PiperTts)),
    ],
)
async def test_a_provider_that_was_not_started_says_so(stage: str, name: str) -> None:
    provider = registry.build(stage, {"provider": name})
    with pytest.raises(ProviderError, match=r"is not (running|started)") as caught:
        await _use(provider)
    assert not caught.value.retryable
    await provider.aclose()


async def _use(provider: Provider) -> None:
    if isinstance(provider, Stt):
        recognition = provider.listen(provider.formats[0])
        recognition.begin()
        recognition.send(STEADY)
        recognition.finalize(1)
        await bounded(recognition.transcripts(), 1)
    elif isinstance(provider, Llm):
        await bounded(provider.reply(CHAT))
    elif isinstance(provider, Tts):
        await bounded(provider.speak(phrases("Yes."), MULAW_8K))
