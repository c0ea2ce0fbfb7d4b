"""Sarvam's realtime recogniser."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers import registry
from mediasrv.providers.dialect import Hello
from mediasrv.providers.minutes import Piece
from mediasrv.providers.sarvam import SaarasDialect, SarvamStt
from tests.providers.stt import VENDORS, calling, site

SAARAS = VENDORS[3]


def events(messages: Any) -> list[str]:
    return [orjson.loads(message)["event"] for message in messages]


def test_utterances_are_delimited_by_us() -> None:
    saaras = SaarasDialect()
    assert events(saaras.begin()) == ["speech_start"]
    assert events(saaras.begin()) == []
    assert events(saaras.finalize()) == ["speech_end", "ping", "speech_start"]
    assert events(saaras.commit(is_dirty=False)) == ["speech_end"]
    assert events(saaras.commit(is_dirty=True)) == []


def test_a_final_that_is_wanted_outside_of_an_utterance_begins_one() -> None:
    assert events(SaarasDialect().finalize()) == ["ping", "speech_start"]


def test_audio_is_base64_in_json() -> None:
    assert orjson.loads(SaarasDialect().audio(b"\xff\x00")) == {"event": "audio_input", "audio": "/wA="}


def test_partials_and_finals() -> None:
    saaras = SaarasDialect()
    assert saaras.read('{"event":"transcript.partial","utterance_idx":0,"text":" नमस्ते "}') == (Piece("नमस्ते"),)
    assert saaras.read('{"event":"transcript.final","utterance_idx":0,"text":"नमस्ते।"}') == (
        Piece("नमस्ते।", is_final=True, closed=True, answers=True),
    )


def test_sarvam_greets() -> None:
    assert SaarasDialect().read('{"event":"session.begin","request_id":"r"}') == (Hello(),)


@pytest.mark.parametrize(
    ("fields", "retryable"),
    [
        ({"status_code": 401}, False),
        ({"status_code": 429}, True),
        ({"status_code": 503}, True),
        ({"is_fatal": None}, True),
    ],
)
def test_a_fatal_error_names_its_code(fields: dict[str, Any], retryable: bool) -> None:
    error = {"event": "error", "code": "some_code", "is_fatal": True, "message": "secret 123", **fields}
    with pytest.raises(ProviderError, match="some_code") as caught:
        SaarasDialect().read(orjson.dumps(error))
    assert caught.value.retryable is retryable
    assert "123" not in str(caught.value)


def test_an_error_that_is_not_fatal_is_skipped() -> None:
    assert SaarasDialect().read('{"event":"error","code":"invalid_config","is_fatal":false,"message":"x"}') == ()


def test_a_session_that_ends_is_a_failure() -> None:
    with pytest.raises(ProviderError, match="ended the session"):
        SaarasDialect().read('{"event":"session.end","request_id":"r"}')


@pytest.mark.parametrize("kind", ["pong", "config.updated", "vad.speech_start", "vad.speech_end"])
def test_other_messages_are_skipped(kind: str) -> None:
    assert SaarasDialect().read(orjson.dumps({"event": kind})) == ()


def test_the_request() -> None:
    stt = SarvamStt(SarvamStt.Options(api_key="k", language="hi-IN", keyterms=("Vistaar",)))
    url = urlsplit(stt.url(MULAW_8K))
    assert (url.netloc, url.path) == ("api.sarvam.ai", "/speech-to-text-realtime/ws")
    assert dict(parse_qsl(url.query)) == {
        "language_code": "hi-IN",
        "model": "saaras:v3-realtime",
        "mode": "transcribe",
        "stream_type": "fast",
        "endpointing": "manual",
        "encoding": "mulaw",
        "sample_rate": "8000",
    }
    assert dict(stt.headers()) == {"API-SUBSCRIPTION-KEY": "k"}


def test_only_one_model_takes_keyterms() -> None:
    url = urlsplit(SarvamStt(SarvamStt.Options(model="saaras:v4", keyterms=("Vistaar",))).url(MULAW_8K))
    assert dict(parse_qsl(url.query))["keyterms"] == '["Vistaar"]'


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "sarvam"}), SarvamStt)


async def test_nothing_is_heard_between_utterances() -> None:
    async with site(SAARAS) as there, calling(there.stt) as caller:
        await caller.speak("w65 w66")
        await caller.quiet(500)
        await caller.begin("w80")
        assert (await caller.ask(1)).text == "w80"
        caller.recognition.commit()
        await caller.speak("w67 w68")
        await caller.quiet(500)
        await caller.begin("w90")
        assert (await caller.ask(2)).text == "w90"


async def test_a_final_without_words_needs_no_patience() -> None:
    async with site(SAARAS) as there, calling(there.stt) as caller:
        caller.recognition.begin()
        assert (await caller.ask(1)).text == ""


async def test_parameters_that_sarvam_does_not_know_are_its_to_refuse() -> None:
    standin = SAARAS.standin()
    async with standin as url, calling(SAARAS.open(url, mode="sing")) as caller:
        error = await caller.failure()
        assert "invalid_request" in str(error)
