"""What is said to Sarvam Bulbul, and what is made of what it says."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.bulbul import BulbulDiction, bare
from tests.patience import until
from tests.providers.tts import BULBUL, PHRASES, TEXT, audio_for, audio_of, site, spoken, text_of

FINAL: dict[str, Any] = {"type": "event", "data": {"event_type": "final"}}


def begun(*phrases: str) -> BulbulDiction:
    one = BulbulDiction(MULAW_8K, {"model": "bulbul:v3"})
    one.begin()
    for phrase in phrases:
        one.speak(phrase, 0.0)
    return one


def sent(one: BulbulDiction) -> list[str]:
    kinds = [orjson.loads(message)["type"] for message in one.outbox]
    one.outbox.clear()
    return kinds


def read(one: BulbulDiction, **event: Any) -> list[Speech]:
    return list(one.read(orjson.dumps(event).decode(), 0.0))


def audio(one: BulbulDiction, payload: bytes) -> list[Speech]:
    return read(one, type="audio", data={"audio": b64encode(payload).decode()})


def test_one_phrase_is_asked_for_at_a_time() -> None:
    one = begun("one", "two")
    assert sent(one) == ["config", "text", "flush"]
    one.finish(0.0)
    assert audio(one, b"aaa") == [Speech(b"aaa", "one")]
    assert one.owes
    read(one, **FINAL)
    assert sent(one) == ["text", "flush"]
    assert audio(one, b"bbb") == [Speech(b"bbb", "two")]
    read(one, **FINAL)
    assert one.is_over


def test_after_a_cancel_all_is_dropped_until_the_phrase_is_over() -> None:
    one = begun("one", "two")
    sent(one)
    one.cancel()
    assert not one.is_free
    assert audio(one, b"late") == []
    read(one, **FINAL)
    assert one.is_free
    assert sent(one) == []
    one.cancel()
    assert one.is_free


@pytest.mark.parametrize(("code", "retryable"), [(422, False), (429, True), (500, True), (None, True), ("odd", True)])
def test_errors_tell_whether_to_retry(code: object, retryable: bool) -> None:
    with pytest.raises(ProviderError) as caught:
        read(begun("one"), type="error", data={"message": "secret words", "code": code})
    assert caught.value.retryable is retryable
    assert "secret" not in str(caught.value)


def test_headers_are_taken_off() -> None:
    assert bare(b"plain") == b"plain"
    assert bare(b"RIFF....WAVEfmt data\0\0\0\0abc") == b"abc"
    assert bare(b"RIFF....") == b""


def test_garbage_is_skipped() -> None:
    one = begun("one")
    for message in ("[", "[]", '{"type":7}', '{"type":"audio"}', '{"type":"audio","data":{"audio":"%%%="}}', FINAL):
        text = message if isinstance(message, str) else orjson.dumps({**message, "data": {}}).decode()
        assert list(one.read(text, 0.0)) == []


async def test_audio_in_a_container_is_taken_out_of_it() -> None:
    async with site(BULBUL, wav=1) as there:
        pieces = await spoken(there.tts, *PHRASES)
        assert text_of(pieces) == TEXT
        assert audio_of(pieces) == audio_for(*PHRASES)


async def test_an_idle_socket_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BulbulDiction, "idle_s", 0.02)
    async with site(BULBUL, idle_s=0.2) as there:
        await until(lambda: there.standin.kept_alive >= 12)
        assert there.standin.connections == 1
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
