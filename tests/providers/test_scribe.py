"""ElevenLabs Scribe realtime."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers import registry
from mediasrv.providers.dialect import NOTHING_TO_SAY, Hello
from mediasrv.providers.minutes import Piece
from mediasrv.providers.scribe import ScribeDialect, ScribeStt
from tests.providers.stt import VENDORS, calling, site

SCRIBE = VENDORS[4]


def test_audio_and_commits_are_chunks() -> None:
    scribe = ScribeDialect(MULAW_8K)
    assert orjson.loads(scribe.audio(b"\xff\x00")) == {
        "message_type": "input_audio_chunk",
        "audio_base_64": "/wA=",
        "commit": False,
        "sample_rate": 8000,
    }
    (commit,) = scribe.finalize()
    assert orjson.loads(commit) == {
        "message_type": "input_audio_chunk",
        "audio_base_64": "",
        "commit": True,
        "sample_rate": 8000,
    }


def test_partials_and_commits() -> None:
    scribe = ScribeDialect(MULAW_8K)
    assert scribe.read('{"message_type":"partial_transcript","text":"yes"}') == (Piece("yes"),)
    assert scribe.read('{"message_type":"committed_transcript","text":"Yes."}') == (
        Piece("Yes.", is_final=True, closed=True, answers=True),
    )
    assert scribe.read('{"message_type":"committed_transcript_with_timestamps","text":"Yes."}') == ()


def test_scribe_greets() -> None:
    assert ScribeDialect(MULAW_8K).read('{"message_type":"session_started","session_id":"s"}') == (Hello(),)


@pytest.mark.parametrize("kind", ["commit_throttled", "insufficient_audio_activity"])
def test_nothing_to_commit_is_an_answer(kind: str) -> None:
    assert ScribeDialect(MULAW_8K).read(orjson.dumps({"message_type": kind, "error": "x"})) == (NOTHING_TO_SAY,)


@pytest.mark.parametrize(
    ("kind", "retryable"),
    [("auth_error", False), ("quota_exceeded", False), ("rate_limited", True), ("transcriber_error", True)],
)
def test_errors_are_told_by_their_kinds(kind: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=f"reported {kind}$") as caught:
        ScribeDialect(MULAW_8K).read(orjson.dumps({"message_type": kind, "error": "secret 123"}))
    assert caught.value.retryable is retryable


@pytest.mark.parametrize("message", ['{"message_type":"warning"}', '{"message_type":7}', "{}"])
def test_other_messages_are_skipped(message: str) -> None:
    assert ScribeDialect(MULAW_8K).read(message) == ()


def test_the_request() -> None:
    stt = ScribeStt(ScribeStt.Options(api_key="k", language="hi", keyterms=("Acme", "Pune"), no_verbatim=True))
    url = urlsplit(stt.url(L16_16K))
    assert (url.netloc, url.path) == ("api.elevenlabs.io", "/v1/speech-to-text/realtime")
    assert parse_qsl(url.query) == [
        ("model_id", "scribe_v2_realtime"),
        ("audio_format", "pcm_16000"),
        ("commit_strategy", "manual"),
        ("language_code", "hi"),
        ("no_verbatim", "true"),
        ("keyterms", "Acme"),
        ("keyterms", "Pune"),
    ]
    assert dict(stt.headers()) == {"xi-api-key": "k"}


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "scribe"}), ScribeStt)


async def test_a_commit_of_next_to_nothing_is_answered_at_once() -> None:
    async with site(SCRIBE, options={"final_wait_ms": 60_000}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        assert (await caller.ask(1)).text == "w65 w66"
        caller.recognition.finalize(2)
        assert (await caller.final(2)).text == "w65 w66"
