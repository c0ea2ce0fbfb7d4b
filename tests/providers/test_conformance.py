"""What every provider owes to the call, whoever wrote it: held against each of ours on the real thing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar, cast

import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K, samples_in
from mediasrv.errors import ProviderError
from mediasrv.livecheck import standard_trial
from mediasrv.providers import registry
from mediasrv.providers.base import Llm, Message, Provider, Stt, TextDelta, Transcript, Tts, Usage
from mediasrv.providers.conformance.footprint import Footprint, left_since
from mediasrv.providers.conformance.suite import conform, refuses_a_wrong_key
from mediasrv.providers.conformance.trial import Trial
from mediasrv.providers.espeak import EspeakTts
from mediasrv.providers.moonshine import MoonshineStt
from mediasrv.providers.piper import PiperTts
from mediasrv.providers.scripted import tone
from mediasrv.providers.smollm2 import SmolLm2
from tests.patience import WAIT_S
from tests.providers.local import marks
from tests.providers.sites import SITES, Site

if TYPE_CHECKING:
    from mediasrv.pytest_plugin import Conforms

pytest_plugins = ["mediasrv.pytest_plugin"]

CLIP_MS = 800
T = TypeVar("T")

STT = [pytest.param("scripted"), pytest.param("moonshine", marks=marks(MoonshineStt))]
LLM = [pytest.param("scripted"), pytest.param("smollm2", marks=marks(SmolLm2))]
TTS = [
    pytest.param("scripted"),
    pytest.param("piper", marks=marks(PiperTts)),
    pytest.param("espeak", marks=marks(EspeakTts)),
]
DETECTOR = [pytest.param("scripted")]
ALL = [
    pytest.param(stage, *each.values, marks=each.marks)
    for stage, names in (("stt", STT), ("llm", LLM), ("tts", TTS), ("detector", DETECTOR))
    for each in names
]


@asynccontextmanager
async def started(stage: str, name: str) -> AsyncIterator[Any]:
    """A provider of a stage, started; afterwards nothing of it may be left."""
    before = Footprint.now()
    provider = registry.build(stage, {"provider": name})
    try:
        await provider.start()
        yield provider
    finally:
        await provider.aclose()
    left = await left_since(before, limit_s=2.0)
    # What a library keeps open for the life of the process is told from a leak by the suite.
    assert re.sub(r"\d+ (file|socket)s?", "", left).strip(", ") == ""


async def bounded(stream: AsyncGenerator[T], count: int = 10_000) -> list[T]:
    """Up to so many items of a stream, which is closed then."""
    items: list[T] = []
    async with asyncio.timeout(WAIT_S), aclosing(stream):
        async for item in stream:
            items.append(item)
            if len(items) == count:
                break
    return items


@pytest.fixture
def conformance_trial() -> Trial:
    """Once through, in a hurry, and with patience for a machine that is busy."""
    return replace(standard_trial(), rounds=1, speed=8.0, stop_limit_s=WAIT_S, judge_limit_s=WAIT_S, settle_limit_s=1.5)


@pytest.mark.parametrize(("stage", "name"), [each for each in ALL if "scripted" not in each.values])
async def test_a_provider_of_this_machine_conforms(stage: str, name: str, conforms: Conforms) -> None:
    await conforms(registry.build(stage, {"provider": name}))


@pytest.mark.parametrize("site", SITES, ids=str)
async def test_a_provider_in_the_cloud_conforms(site: Site, conformance_trial: Trial) -> None:
    # What stand-ins say is short; and what is said to them, so that it need not wait for a vendor's pace.
    pcm = conformance_trial.pcm[: samples_in(CLIP_MS, conformance_trial.rate_hz)]
    trial = replace(conformance_trial, pcm=pcm, ms_per_char=(5.0, 70.0))
    standin = site.standin()
    async with standin as url:
        verdicts = await conform(site.build(url), trial)
        assert [verdict for verdict in verdicts if not verdict.ok] == []
        assert standin.complaints == []
        verdict = await refuses_a_wrong_key(site.build(url, api_key="wrong"), trial)
        assert verdict.ok, verdict.detail
        assert re.match(r"HTTP 40[013]\b", verdict.detail)


@pytest.mark.parametrize(("stage", "name"), ALL)
async def test_closing_is_safe_without_a_start(stage: str, name: str) -> None:
    provider = registry.build(stage, {"provider": name})
    await provider.aclose()
    await provider.aclose()


@pytest.mark.parametrize("site", SITES, ids=str)
async def test_closing_is_safe_without_a_start_in_the_cloud(site: Site) -> None:
    provider = site.build("http://127.0.0.1:1")
    await provider.aclose()
    await provider.aclose()


def test_every_provider_is_held_to_this() -> None:
    known = {(info.stage, info.name) for info in registry.describe()}
    assert known == {each.values for each in ALL} | {(site.stage, site.name) for site in SITES}


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
