"""What is said to ElevenLabs, and what is made of what it says."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.elevenlabs import ElevenLabsTts, MultiContextDiction, output_format, words_of
from native_bench.standins import elevenlabs
from tests.patience import until
from tests.providers.tts import ELEVENLABS, PHRASES, TEXT, site, spoken, text_of

AUDIO = b64encode(b"\x11" * 3200).decode()


def begun(*phrases: str, **settings: float) -> tuple[MultiContextDiction, str, list[dict[str, Any]]]:
    one = MultiContextDiction(MULAW_8K, settings)
    one.begin()
    for phrase in phrases:
        one.speak(phrase, 0.0)
    messages = sent(one)
    return one, messages[0]["context_id"], messages


def sent(one: MultiContextDiction) -> list[dict[str, Any]]:
    messages = [orjson.loads(message) for message in one.outbox]
    one.outbox.clear()
    return messages


def read(one: MultiContextDiction, **event: Any) -> list[Speech]:
    return list(one.read(orjson.dumps(event).decode(), 0.0))


def test_a_context_opens_with_a_space_and_its_settings_and_each_phrase_is_flushed() -> None:
    one, context, messages = begun("Hello.", "Bye.", speed=1.1)
    assert messages == [
        {"text": " ", "context_id": context, "voice_settings": {"speed": 1.1}},
        {"text": "Hello. ", "context_id": context, "flush": True},
        {"text": "Bye. ", "context_id": context, "flush": True},
    ]
    one.finish(0.0)
    assert sent(one) == [{"context_id": context, "close_context": True}]
    one.cancel()
    assert sent(one) == []
    assert one.is_free


@pytest.mark.parametrize("key", ["charStartTimesMs", "charsStartTimesMs"])
def test_characters_become_words_with_times(key: str) -> None:
    alignment = {"chars": list("Hi  you "), key: [0, 10, 20, 30, 40, 50, 60, 70]}
    assert [each for each in words_of(alignment) if each[0]] == [("Hi", 0), ("you", 40)]


def test_a_word_that_straddles_two_chunks_is_told_once() -> None:
    one, context, _ = begun("splendid boats")
    first = {"chars": list("splen"), "charStartTimesMs": [0, 80, 160, 240, 320]}
    rest = {"chars": list("did boats"), "charStartTimesMs": [0, 40, 80, 120, 200, 240, 280, 320, 360]}
    pieces = read(one, audio=AUDIO, alignment=first, contextId=context)
    pieces += read(one, audio=AUDIO, alignment=rest, contextId=context)
    assert [piece.text for piece in pieces if piece.text] == ["splendid", "boats"]
    assert len(b"".join(piece.audio for piece in pieces[:-1])) == 8 * (400 + 200)


@pytest.mark.parametrize(
    ("event", "retryable"),
    [
        ({"error": "invalid_api_key"}, False),
        ({"error": "quota_exceeded"}, False),
        ({"error": "internal_error", "code": 1011}, True),
        ({"error": "odd", "code": 1008}, False),
        ({"error": "some words with a secret"}, True),
    ],
)
def test_errors_tell_whether_to_retry(event: dict[str, Any], retryable: bool) -> None:
    one, context, _ = begun("Hello there")
    assert read(one, contextId="other", **event) == []
    with pytest.raises(ProviderError) as caught:
        read(one, contextId=context, **event)
    assert caught.value.retryable is retryable
    assert "secret" not in str(caught.value)


def test_a_context_that_ends_by_itself_is_followed_by_another() -> None:
    one, context, _ = begun("Hello")
    read(one, audio=AUDIO, contextId=context)
    read(one, isFinal=True, contextId=context)
    assert not one.is_over
    one.speak("again", 0.0)
    assert sent(one)[0]["context_id"] != context


def test_the_context_is_kept_alive_only_while_it_is_open() -> None:
    one, context, _ = begun("Hello")
    one.keep_alive()
    assert sent(one) == [{"text": "", "context_id": context}]
    one.finish(0.0)
    one.keep_alive()
    assert sent(one)[1:] == [{"text": ""}]


@given(
    st.dictionaries(
        st.sampled_from(["audio", "alignment", "isFinal", "contextId", "error", "code", "type"]),
        st.sampled_from(["%%%", "", 7, None, True, [], {}, {"chars": ["a"], "charStartTimesMs": ["x"]}, {"chars": 3}]),
    )
)
def test_garbage_raises_nothing_but_our_error(event: dict[str, Any]) -> None:
    one, context, _ = begun("Hello there")
    for message in (event, {**event, "contextId": context}):
        try:
            pieces = one.read(orjson.dumps(message).decode(), 0.0)
        except ProviderError:
            continue
        assert all(isinstance(piece, Speech) for piece in pieces)


def test_formats_have_the_vendor_s_names() -> None:
    assert output_format(MULAW_8K) == "ulaw_8000"
    assert output_format(L16_16K) == "pcm_16000"


def test_the_configured_origin_may_be_the_one_of_the_http_service() -> None:
    tts = ElevenLabsTts(ElevenLabsTts.Options(url="https://api.elevenlabs.io", voice="a b"))
    assert tts.url(MULAW_8K).startswith("wss://api.elevenlabs.io/v1/text-to-speech/a%20b/multi-stream-input?")
    assert "auto_mode=true" in tts.url(MULAW_8K)


async def test_settings_are_taken_by_the_vendor() -> None:
    async with site(ELEVENLABS, options={"stability": 0.5, "speed": 1.1, "language": "en"}) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


async def test_an_idle_socket_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MultiContextDiction, "idle_s", 0.02)
    async with site(ELEVENLABS, idle_s=0.2) as there:
        await until(lambda: there.standin.kept_alive >= 12)
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        assert there.standin.connections == 2


def test_the_stand_in_knows_what_settings_there_are() -> None:
    assert elevenlabs.check_settings({"stability": 0.5}) == ""
    assert "speed" in elevenlabs.check_settings({"speed": 3})
