"""What is said to Cartesia, and what is made of what it says."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.cartesia import SonicDiction
from native_bench.standins.base import Fault
from tests.patience import WAIT_S
from tests.providers import tts
from tests.providers.tts import CARTESIA, PHRASES, audio_for, audio_of, site, spoken, text_of

AUDIO = b"\x11" * 3200


def diction() -> SonicDiction:
    return SonicDiction(MULAW_8K, {"model_id": "sonic-3.5"})


def sent(one: SonicDiction) -> list[dict[str, Any]]:
    messages = [orjson.loads(message) for message in one.outbox]
    one.outbox.clear()
    return messages


def read(one: SonicDiction, context: object, now: float = 0.0, **event: Any) -> list[Speech]:
    told = event if context is None else {**event, "context_id": context}
    return list(one.read(orjson.dumps(told).decode(), now))


def chunk(one: SonicDiction, context: str, now: float = 0.0, audio: bytes = AUDIO) -> list[Speech]:
    return read(one, context, now, type="chunk", data=b64encode(audio).decode(), done=False, status_code=206)


def begun(*phrases: str) -> tuple[SonicDiction, str]:
    one = diction()
    one.begin()
    for phrase in phrases:
        one.speak(phrase, 0.0)
    return one, sent(one)[0]["context_id"]


def test_a_reply_is_one_context_and_its_transcripts_join_with_spaces() -> None:
    one = diction()
    one.begin()
    one.speak("Hello there.", 0.0)
    one.speak("Bye.", 0.1)
    one.finish(0.2)
    messages = sent(one)
    assert [each["transcript"] for each in messages] == ["Hello there. ", "Bye. ", ""]
    assert [each["continue"] for each in messages] == [True, True, False]
    assert len({each["context_id"] for each in messages}) == 1
    assert {each["model_id"] for each in messages} == {"sonic-3.5"}


def test_a_context_that_expired_is_followed_by_another() -> None:
    one, context = begun("Hello")
    assert text_of(chunk(one, context, now=1.0)) == "Hello"
    one.speak("again", 1.5)
    assert sent(one)[0]["context_id"] == context
    read(one, context, type="timestamps", word_timestamps={"words": ["Hello", "again"], "start": [0.0, 0.4]})
    pieces = chunk(one, context, now=2.0)
    one.speak("later", 5.0)
    later = sent(one)[0]["context_id"]
    assert later != context
    assert chunk(one, context, now=5.1) == []
    read(one, later, type="timestamps", word_timestamps={"words": ["later"], "start": [0.0]})
    pieces += chunk(one, later, now=5.2)
    assert text_of(pieces) == "again later"


def test_done_before_the_end_makes_the_next_phrase_open_another_context() -> None:
    one, context = begun("Hello there")
    pieces = chunk(one, context) + read(one, context, type="done", done=True)
    assert text_of(pieces) == "Hello there"
    assert not one.is_over
    one.speak("again", 0.1)
    assert sent(one)[0]["context_id"] != context


def test_an_error_of_an_expired_context_is_its_end() -> None:
    one, context = begun("Hello")
    chunk(one, context)
    one.finish(0.5)
    assert one.owes
    read(one, context, type="error", status_code=400, error_code="context_expired")
    assert one.is_over


@pytest.mark.parametrize(("status", "retryable"), [(400, False), (402, False), (429, True), (500, True), (None, True)])
def test_errors_tell_whether_to_retry(status: int | None, retryable: bool) -> None:
    one, context = begun("Hello there, you")
    with pytest.raises(ProviderError) as caught:
        read(one, context, type="error", status_code=status, error_code="some_code", message="secret words")
    assert caught.value.retryable is retryable
    assert "some_code" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_error_of_another_context_is_not_ours() -> None:
    one, _ = begun("Hello there")
    assert read(one, "other", type="error", status_code=500) == []
    with pytest.raises(ProviderError):
        read(one, None, type="error", status_code=429)


def test_what_was_cancelled_is_dropped_by_its_name() -> None:
    one, context = begun("Hello there")
    one.cancel()
    assert sent(one) == [{"context_id": context, "cancel": True}]
    assert one.is_free
    one.begin()
    one.speak("again", 0.0)
    assert chunk(one, context) == []
    assert read(one, context, type="done", done=True) == []
    assert not one.is_over


def test_a_reply_without_phrases_opens_no_context() -> None:
    one = diction()
    one.begin()
    one.finish(0.0)
    assert one.is_over
    one.begin()
    one.cancel()
    assert sent(one) == []


@given(
    st.dictionaries(
        st.sampled_from(["type", "data", "word_timestamps", "context_id", "done", "status_code", "error_code"]),
        st.sampled_from(
            ["chunk", "timestamps", "done", "error", "", "%%%", 7, None, [], {}, {"words": ["a"], "start": [None]}]
        ),
    )
)
def test_garbage_raises_nothing_but_our_error(event: dict[str, Any]) -> None:
    one, context = begun("Hello there")
    for message in (event, {**event, "context_id": context}):
        try:
            pieces = one.read(orjson.dumps(message).decode(), 0.0)
        except ProviderError:
            continue
        assert all(isinstance(piece, Speech) for piece in pieces)
    assert one.read(b"\x00\xff", 0.0) == one.read("[1]", 0.0) == ()


async def test_times_that_come_late_lose_no_word() -> None:
    async with site(CARTESIA, [Fault("late", after=10**6, delay_s=0.03)], gap_ms=10) as there:
        pieces = await spoken(there.tts, *PHRASES)
        assert text_of(pieces) == " ".join(PHRASES)
        assert audio_of(pieces) == audio_for(*PHRASES)


async def test_a_reply_that_pauses_for_a_tool_goes_on_in_another_context() -> None:
    async def slowly() -> AsyncGenerator[str]:
        yield PHRASES[0]
        await asyncio.sleep(0.3)
        yield PHRASES[1]

    async with (
        site(CARTESIA, context_s=0.1) as there,
        asyncio.timeout(WAIT_S),
        aclosing(there.tts.speak(slowly(), MULAW_8K)) as speech,
    ):
        pieces = [piece async for piece in speech]
    assert text_of(pieces) == " ".join(PHRASES[:2])
    assert audio_of(pieces) == audio_for(*PHRASES[:2])


async def test_a_cancelled_reply_is_cancelled_at_the_vendor() -> None:
    async with site(CARTESIA, gap_ms=5) as there:
        async with aclosing(there.tts.speak(tts.given(*PHRASES), MULAW_8K)) as speech:
            await anext(speech)
        await spoken(there.tts, "anna speaks.")
        assert there.standin.cancelled == 1
