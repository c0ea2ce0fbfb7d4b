"""What is said to Deepgram Aura, and what is made of what it says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mediasrv.audio.format import L16_8K, MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.aura import AuraDiction, AuraTts
from mediasrv.providers.base import Speech
from tests.providers.tts import AURA, audio_for, audio_of, site, spoken, text_of


def begun(*phrases: str) -> AuraDiction:
    one = AuraDiction(MULAW_8K)
    one.begin()
    for phrase in phrases:
        one.speak(phrase, 0.0)
    return one


def sent(one: AuraDiction) -> list[str]:
    kinds = [orjson.loads(message)["type"] for message in one.outbox]
    one.outbox.clear()
    return kinds


def read(one: AuraDiction, **event: Any) -> list[Speech]:
    return list(one.read(orjson.dumps(event).decode(), 0.0))


def test_each_phrase_goes_with_its_first_audio() -> None:
    one = begun("one", "two")
    assert sent(one) == ["Speak", "Flush", "Speak", "Flush"]
    assert one.read(b"aa", 0.0) == [Speech(b"aa", "one")]
    assert one.read(b"bb", 0.0) == [Speech(b"bb")]
    assert read(one, type="Flushed") == []
    assert one.read(b"cc", 0.0) == [Speech(b"cc", "two")]
    one.finish(0.0)
    assert not one.is_over
    read(one, type="Flushed")
    assert one.is_over


def test_a_phrase_without_audio_is_told_without() -> None:
    one = begun("one")
    assert read(one, type="Flushed") == [Speech(b"", "one")]


def test_samples_stay_whole() -> None:
    one = AuraDiction(L16_8K)
    one.begin()
    one.speak("one", 0.0)
    assert one.read(b"a", 0.0) == ()
    assert one.read(b"bc", 0.0) == [Speech(b"ab", "one")]
    assert one.read(b"d", 0.0) == [Speech(b"cd")]


def test_after_a_cancel_all_is_dropped_until_it_is_confirmed() -> None:
    one = begun("one")
    sent(one)
    one.cancel()
    assert sent(one) == ["Clear"]
    assert not one.is_free
    assert one.read(b"late", 0.0) == ()
    assert read(one, type="Flushed") == []
    read(one, type="Cleared")
    assert one.is_free
    one.cancel()
    assert sent(one) == []


def test_flushes_are_saved_for_the_end_of_a_long_reply() -> None:
    one = begun(*(f"phrase{index}" for index in range(25)))
    assert sent(one).count("Flush") == 19
    one.finish(1.0)
    assert sent(one) == ["Flush"]
    for _ in range(19):
        read(one, type="Flushed")
    last = one.read(b"aa", 0.0)
    assert text_of(last) == " ".join(f"phrase{index}" for index in range(19, 25))
    read(one, type="Flushed")
    assert one.is_over
    assert not one.is_free
    one.begin()
    one.speak("later", 100.0)
    assert sent(one) == ["Speak", "Flush"]


def test_a_cancel_forgets_what_was_not_flushed() -> None:
    one = begun(*(f"phrase{index}" for index in range(25)))
    one.cancel()
    assert not one.owes


@pytest.mark.parametrize(
    ("event", "retryable"),
    [
        ({"type": "Error", "code": "NET-0000"}, True),
        ({"type": "Error", "code": "DATA-0000"}, False),
        ({"type": "Warning", "code": "ANY", "description": "Too many Flush messages"}, True),
    ],
)
def test_errors_tell_whether_to_retry(event: dict[str, Any], retryable: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        read(begun("one"), **event)
    assert caught.value.retryable is retryable
    assert read(begun("one"), type="Warning", description="something else") == []


def test_garbage_is_skipped() -> None:
    one = begun("one")
    for message in ("[", "[]", '{"type":7}', '{"type":"Metadata"}', '{"type":"Warning","description":[]}'):
        assert one.read(message, 0.0) == ()
    assert AuraDiction(MULAW_8K).read(b"stray", 0.0) == ()
    assert AuraDiction(MULAW_8K).done() == ()


def test_the_voice_is_the_model() -> None:
    tts = AuraTts(AuraTts.Options(voice="aura-2-orion-en"))
    assert "model=aura-2-orion-en" in tts.url(MULAW_8K)
    assert "speed" not in tts.url(MULAW_8K)


async def test_a_long_reply_loses_nothing() -> None:
    phrases = [f"phrase {index}" for index in range(25)]
    async with site(AURA, chunk_ms=1000) as there:
        pieces = await spoken(there.tts, *phrases)
        assert text_of(pieces) == " ".join(phrases)
        assert audio_of(pieces) == audio_for(*phrases)
        assert text_of(await spoken(there.tts, "more")) == "more"
