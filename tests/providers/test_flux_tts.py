"""What is said to Deepgram Flux text-to-speech, and what is made of what it says."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.flux_tts import FluxDiction, FluxTts


def begun(*phrases: str) -> FluxDiction:
    one = FluxDiction(MULAW_8K)
    one.begin()
    for phrase in phrases:
        one.speak(phrase, 0.0)
    return one


def sent(one: FluxDiction) -> list[str]:
    kinds = [orjson.loads(message)["type"] for message in one.outbox]
    one.outbox.clear()
    return kinds


def read(one: FluxDiction, **event: Any) -> list[Speech]:
    return list(one.read(orjson.dumps(event).decode(), 0.0))


def test_each_phrase_is_a_turn() -> None:
    one = begun("one", "two")
    assert sent(one) == ["Speak", "Flush", "Speak", "Flush"]
    assert read(one, type="Connected") == read(one, type="Flushed") == read(one, type="SpeechStarted") == []
    assert one.read(b"aa", 0.0) == [Speech(b"aa", "one")]
    assert read(one, type="SpeechMetadata") == []
    assert read(one, type="SpeechMetadata") == [Speech(b"", "two")]
    one.finish(0.0)
    assert one.is_over


@pytest.mark.parametrize("answer", [{"type": "SpeechInterrupted"}, {"type": "Warning", "code": "NO_ACTIVE_SPEECH"}])
def test_the_turn_that_is_spoken_is_interrupted(answer: dict[str, Any]) -> None:
    one = begun("one")
    one.read(b"aa", 0.0)
    sent(one)
    one.cancel()
    assert sent(one) == ["Interrupt"]
    assert not one.is_free
    assert one.read(b"late", 0.0) == ()
    read(one, **answer)
    assert one.is_free
    one.cancel()
    assert sent(one) == []


@pytest.mark.parametrize(("phrases", "audio"), [(("one",), b""), (("one", "two"), b"aa")])
def test_a_socket_that_cannot_be_stopped_is_not_used_again(phrases: tuple[str, ...], audio: bytes) -> None:
    one = begun(*phrases)
    one.read(audio, 0.0)
    sent(one)
    one.cancel()
    assert sent(one) == []
    read(one, type="SpeechInterrupted")
    assert not one.is_free


@pytest.mark.parametrize(("code", "retryable"), [("NET-0000", True), ("DATA-0002", False), (None, True)])
def test_errors_tell_whether_to_retry(code: str | None, retryable: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        read(begun("one"), type="Error", code=code, description="secret words")
    assert caught.value.retryable is retryable
    assert "secret" not in str(caught.value)


def test_garbage_is_skipped() -> None:
    for message in ("[", "[]", '{"type":7}', '{"type":"Warning","code":[]}', '{"type":"Warning","code":"OTHER"}'):
        assert begun("one").read(message, 0.0) == ()


async def test_the_model_is_put_together_or_given() -> None:
    assert "model=flux-alexis-en" in FluxTts(FluxTts.Options()).url(MULAW_8K)
    assert "model=flux-x-de" in FluxTts(FluxTts.Options(model="flux-x-de")).url(MULAW_8K)
    with pytest.raises(ConfigError, match="aura"):
        await FluxTts(FluxTts.Options(model="aura-2-thalia-en", api_key="k")).start()
