"""Deepgram Nova."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import registry
from mediasrv.providers.base import HintKind, TurnHint
from mediasrv.providers.deepgram import DeepgramStt, NovaDialect
from mediasrv.providers.minutes import Piece
from native_bench.standins.base import Fault
from tests.providers.stt import VENDORS, calling, site

NOVA = VENDORS[0]


def results(transcript: str, *, words: list[dict[str, Any]] | None = None, **fields: Any) -> str:
    said = {"transcript": transcript, "confidence": 0.9, "words": words or []}
    return orjson.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "start": 1.0,
            "duration": 0.5,
            "is_final": False,
            "speech_final": False,
            "channel": {"alternatives": [said]},
            **fields,
        }
    ).decode()


WORDS = [{"word": "two", "start": 1.1, "end": 1.2}, {"word": "words", "start": 1.25, "end": 1.4}]


def parameters(stt: DeepgramStt) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(stt.url(MULAW_8K)).query))


def test_an_interim_covers_its_stretch_of_audio() -> None:
    assert NovaDialect().read(results("two words", words=WORDS)) == (
        Piece("two words", start_ms=1100, end_ms=1400, covers_ms=1500),
    )


def test_an_interim_without_words_is_news_once() -> None:
    nova, blank = NovaDialect(), Piece("", covers_ms=1500)
    assert nova.read(results("")) == (blank,)
    assert nova.read(results("")) == ()
    nova.read(results("two words", words=WORDS))
    assert nova.read(results("")) == (blank,)
    for message in (results("", is_final=True), results("", from_finalize=True)):
        assert nova.read(results("")) == ()
        assert nova.read(message)
        assert nova.read(results("")) == (blank,)


def test_a_final_closes_its_segment() -> None:
    assert NovaDialect().read(results("two words", is_final=True)) == (
        Piece("two words", is_final=True, closed=True, covers_ms=1500),
    )


def test_the_answer_to_finalize_is_no_opinion_about_the_turn() -> None:
    (piece,) = NovaDialect().read(results("yes", is_final=True, speech_final=True, from_finalize=True))
    assert isinstance(piece, Piece)
    assert piece.answers
    assert piece.hint is None


def test_speech_final_tells_of_a_silence_and_not_that_a_turn_is_over() -> None:
    (piece,) = NovaDialect().read(results("yes", is_final=True, speech_final=True))
    assert isinstance(piece, Piece)
    assert piece.is_final
    assert piece.hint is None


def test_an_utterance_end_counts_only_where_no_speech_final_came() -> None:
    nova = NovaDialect()
    end = '{"type":"UtteranceEnd","channel":[0,1],"last_word_end":1.4}'
    assert nova.read(end) == ()
    nova.read(results("yes"))
    assert nova.read(end) == (TurnHint(HintKind.END),)
    assert nova.read(end) == ()
    nova.read(results("yes", is_final=True, speech_final=True))
    assert nova.read(end) == ()


@pytest.mark.parametrize(("kind", "retryable"), [("SchemaError", False), ("InternalError", True)])
def test_an_error_names_its_kind_and_nothing_else(kind: str, retryable: bool) -> None:
    with pytest.raises(ProviderError, match=kind) as caught:
        NovaDialect().read(orjson.dumps({"type": "Error", "variant": kind, "description": "secret 123"}))
    assert caught.value.retryable is retryable
    assert "123" not in str(caught.value)


@pytest.mark.parametrize("kind", ["Metadata", "SpeechStarted", "ConfigureSuccess", "NewKind"])
def test_other_messages_are_skipped(kind: str) -> None:
    assert NovaDialect().read(orjson.dumps({"type": kind})) == ()


def test_the_carriers_mu_law_is_announced_as_it_is() -> None:
    stt = DeepgramStt(DeepgramStt.Options(api_key="k", keyterms=("Acme", "invoice 42")))
    url = urlsplit(stt.url(MULAW_8K))
    assert (url.scheme, url.netloc, url.path) == ("wss", "api.deepgram.com", "/v1/listen")
    assert parse_qsl(url.query) == [
        ("model", "nova-3"),
        ("language", "en"),
        ("encoding", "mulaw"),
        ("sample_rate", "8000"),
        ("channels", "1"),
        ("interim_results", "true"),
        ("endpointing", "300"),
        ("utterance_end_ms", "1000"),
        ("punctuate", "true"),
        ("smart_format", "false"),
        ("numerals", "false"),
        ("keyterm", "Acme"),
        ("keyterm", "invoice 42"),
    ]
    assert dict(stt.headers()) == {"Authorization": "Token k"}


def test_older_models_have_another_word_for_keyterms() -> None:
    stt = DeepgramStt(DeepgramStt.Options(model="nova-2", keyterms=("Acme",)))
    assert parameters(stt)["keywords"] == "Acme"


def test_the_vendors_own_ends_of_turns_can_be_turned_off() -> None:
    off = parameters(DeepgramStt(DeepgramStt.Options(endpointing_ms=0, utterance_end_ms=0)))
    assert off["endpointing"] == "false"
    assert "utterance_end_ms" not in off


async def test_a_key_is_needed() -> None:
    with pytest.raises(ConfigError, match="stt provider deepgram needs a key"):
        await DeepgramStt(DeepgramStt.Options()).start()


async def test_an_origin_that_is_none_is_told_at_start() -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        await DeepgramStt(DeepgramStt.Options(api_key="k", url="api.deepgram.com")).start()


def test_it_is_found_by_name() -> None:
    assert isinstance(registry.build("stt", {"provider": "deepgram", "api_key": "k"}), DeepgramStt)


async def test_a_request_is_answered_by_a_final_that_deepgram_gave_by_itself() -> None:
    options = {"endpointing_ms": 100, "final_wait_ms": 60_000}
    async with site(NOVA, [Fault("missing")], options) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(40)
        caller.recognition.finalize(1)
        await caller.quiet(180)
        assert (await caller.final(1)).text == "w65 w66"


async def test_a_final_that_deepgram_gives_by_itself_reaches_the_call_without_an_opinion() -> None:
    async with site(NOVA, options={"endpointing_ms": 100}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(200)
        await caller.until(lambda: caller.heard and caller.heard[-1].is_final)
        assert caller.heard[-1].text == "w65 w66"
        assert caller.hints == []


async def test_a_final_is_renewed_with_what_died_away_behind_it() -> None:
    async with site(NOVA) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        caller.recognition.finalize(1)
        assert (await caller.final(1)).text == "w65 w66"
        await caller.speak("w67")
        assert there.stt.renews_finals
        caller.recognition.finalize(1)
        await caller.until(lambda: caller.heard[-1].text == "w65 w66 w67")
        assert caller.heard[-1].request == 1


async def test_the_end_of_an_utterance_in_noise_reaches_the_call() -> None:
    async with site(NOVA, options={"endpointing_ms": 0}) as there, calling(there.stt) as caller:
        await caller.begin("w65 w66")
        await caller.quiet(1200)
        await caller.until(lambda: caller.hints)
        assert caller.hints == [HintKind.END]


async def test_a_long_utterance_outlives_a_socket_though_it_is_not_replayed_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(NovaDialect, "speed", 1000.0)
    options = {"endpointing_ms": 0}
    async with site(NOVA, options=options, interim_ms=200) as there, calling(there.stt, L16_16K) as caller:
        words = " ".join(f"w{65 + number}" for number in range(20))
        await caller.begin(words)
        await caller.quiet(400)
        await caller.until(lambda: caller.heard and caller.heard[-1].text == words)
        await asyncio.sleep(0.1)  # for the interim that has the whole of the last word
        await there.standin.strike(Fault("reset"))
        await caller.speak("w90 w91")
        assert (await caller.ask(1)).text == f"{words} w90 w91"
