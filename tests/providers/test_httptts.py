"""Voices behind HTTP, each against its stand-in, with whatever may go wrong."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import httptts
from mediasrv.providers.base import Speech
from native_bench.standins.base import Fault
from tests.patience import until
from tests.providers.stt import open_sockets
from tests.providers.tts import (
    ELEVENLABS_HTTP,
    PHRASES,
    SPEECH,
    TEXT,
    Vendor,
    audio_for,
    audio_of,
    collect,
    failure_of,
    first_of,
    given,
    site,
    spoken,
    text_of,
)

every = pytest.mark.parametrize("vendor", [SPEECH, ELEVENLABS_HTTP], ids=lambda each: each.name)
LONG = "one two three four five six seven eight nine ten"


@every
@pytest.mark.parametrize("wanted", [MULAW_8K, L16_8K], ids=str)
async def test_all_is_spoken_phrase_by_phrase(vendor: Vendor, wanted: AudioFormat) -> None:
    async with site(vendor) as there:
        pieces = await spoken(there.tts, *PHRASES, " ", wanted=wanted)
        assert [piece.text for piece in pieces if piece.text] == list(PHRASES)
        assert audio_of(pieces) == audio_for(*PHRASES, wanted=there.tts.format_for(wanted), joint="")
        assert await spoken(there.tts) == []


async def test_formats_are_the_vendor_s() -> None:
    async with site(ELEVENLABS_HTTP) as there:
        assert there.tts.format_for(MULAW_8K) == MULAW_8K
        assert there.tts.format_for(AudioFormat(Encoding.MULAW, 16000)) == L16_16K
    async with site(SPEECH, options={"rate_hz": 8000, "ask_rate": True}) as there:
        assert there.tts.format_for(MULAW_8K) == L16_8K
        assert audio_of(await spoken(there.tts, "hello")) == audio_for("hello", wanted=L16_8K, joint="")


@every
@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_reply_that_is_given_up_hangs_up_and_leaves_nothing(vendor: Vendor, count: int) -> None:
    before = open_sockets()
    async with site(vendor, gap_ms=5) as there:
        async with aclosing(there.tts.speak(given(LONG, LONG, LONG), MULAW_8K)) as speech:
            await first_of(speech, count)
        assert audio_of(await spoken(there.tts, "anna")) == audio_for(
            "anna", wanted=there.tts.format_for(MULAW_8K), joint=""
        )
        await until(lambda: not there.standin.live)
    await until(lambda: open_sockets() == before)


@every
async def test_a_task_that_is_cancelled_in_any_state_leaves_nothing(vendor: Vendor) -> None:
    before = open_sockets()
    async with site(vendor, gap_ms=20, first_ms=5) as there:
        for wait_s in (0.0, 0.002, 0.01, 0.03):
            task = asyncio.create_task(collect(there.tts.speak(given(LONG, LONG, LONG), MULAW_8K), []))
            await asyncio.sleep(wait_s)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
    await until(lambda: open_sockets() == before)


@every
async def test_a_connection_that_breaks_before_the_answer_is_replaced_once(vendor: Vendor) -> None:
    async with site(vendor, [Fault("reset"), Fault(), Fault("reset"), Fault("reset")]) as there:
        assert text_of(await spoken(there.tts, "hello")) == "hello"
        _, error = await failure_of(there.tts, "hello")
        assert error.retryable


@every
async def test_audio_that_breaks_off_is_an_error_that_may_be_retried(vendor: Vendor) -> None:
    async with site(vendor, [Fault("cut", after=2)]) as there:
        pieces, error = await failure_of(there.tts, LONG)
        assert text_of(pieces) == LONG
        assert error.retryable
        assert "broke off" in str(error)


@every
@pytest.mark.parametrize("fault", [Fault("mute", after=1), Fault("stall")])
async def test_a_vendor_that_hangs_is_given_up(vendor: Vendor, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(httptts, "READ_LIMIT_S", 0.1)
    async with site(vendor, [fault]) as there:
        _, error = await failure_of(there.tts, LONG)
        assert error.retryable


@every
async def test_a_vendor_that_is_not_there_is_complained_of_by_the_reply(vendor: Vendor) -> None:
    tts = vendor.open("http://127.0.0.1:9")
    await tts.aclose()
    with pytest.raises(ProviderError, match="not running"):
        await collect(tts.speak(given("hello"), MULAW_8K), [])
    await tts.start()
    _, error = await failure_of(tts, "hello")
    assert error.retryable
    assert "no answer" in str(error)
    await tts.aclose()


async def test_options_that_cannot_work_are_refused_at_start() -> None:
    with pytest.raises(ConfigError, match="api_key_env"):
        await ELEVENLABS_HTTP.open("http://127.0.0.1:9", api_key="").start()
    with pytest.raises(ConfigError, match="needs a voice"):
        await ELEVENLABS_HTTP.open("http://127.0.0.1:9", voice="").start()
    with pytest.raises(ConfigError, match="api_key_env"):
        await SPEECH.open("", api_key="").start()
    with pytest.raises(ConfigError, match="no URL"):
        await SPEECH.open("nowhere").start()


async def test_one_s_own_server_may_want_no_key() -> None:
    async with site(SPEECH, options={"api_key": "", "speed": 1.5, "instructions": "Be kind."}, open=1) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


async def test_a_phrase_without_audio_is_told_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("native_bench.standins.httpspeaking.voiced", lambda text, audio: b"")
    async with site(SPEECH) as there:
        assert await spoken(there.tts, "hello") == [Speech(b"", "hello")]


def test_the_url_may_have_a_version_or_none() -> None:
    assert SPEECH.tts(SPEECH.options(url="http://h/v1")).url(MULAW_8K) == "http://h/v1/audio/speech"  # type: ignore[attr-defined]
    assert SPEECH.tts(SPEECH.options(url="ws://h")).url(MULAW_8K) == "http://h/v1/audio/speech"  # type: ignore[attr-defined]


async def test_settings_are_taken_by_the_vendor() -> None:
    async with site(ELEVENLABS_HTTP, options={"stability": 0.5, "language": "en"}) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
