"""Voices behind WebSockets, each against its stand-in, with whatever may go wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import pytest

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import voiceline, voicepool
from native_bench.standins.base import Fault
from tests.patience import WAIT_S, until
from tests.providers.stt import open_sockets
from tests.providers.tts import (
    AURA,
    FLUX,
    PHRASES,
    TEXT,
    VENDORS,
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

every = pytest.mark.parametrize("vendor", [each for each in VENDORS if each.is_socket], ids=lambda each: each.name)
timed = pytest.mark.parametrize("vendor", [each for each in VENDORS if each.is_timed], ids=lambda each: each.name)
LONG = "one two three four five six seven eight nine ten"


@every
@pytest.mark.parametrize("wanted", [MULAW_8K, AudioFormat(Encoding.ALAW, 8000), L16_8K, L16_16K], ids=str)
async def test_all_is_spoken_in_the_carrier_s_own_format(vendor: Vendor, wanted: AudioFormat) -> None:
    async with site(vendor) as there:
        assert there.tts.format_for(wanted) == wanted
        pieces = await spoken(there.tts, *PHRASES, wanted=wanted)
        assert text_of(pieces) == TEXT
        assert audio_of(pieces) == audio_for(*PHRASES, wanted=wanted)


@every
async def test_other_formats_are_left_to_the_call_to_make(vendor: Vendor) -> None:
    async with site(vendor) as there:
        assert there.tts.format_for(AudioFormat(Encoding.MULAW, 16000)) == L16_16K


@every
async def test_the_socket_is_open_before_the_first_word_and_serves_reply_after_reply(vendor: Vendor) -> None:
    async with site(vendor) as there:
        assert there.standin.connections == 1
        for _ in range(3):
            assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        assert there.standin.connections == 2  # one, and a spare


@every
async def test_replies_at_the_same_time_do_not_mix(vendor: Vendor) -> None:
    async with site(vendor, first_ms=20) as there:
        replies = await asyncio.gather(*(spoken(there.tts, f"{name} speaks.") for name in ("anna", "bert", "carl")))
        assert [text_of(reply) for reply in replies] == ["anna speaks.", "bert speaks.", "carl speaks."]
        assert [audio_of(reply) for reply in replies] == [
            audio_for(f"{name} speaks.") for name in ("anna", "bert", "carl")
        ]


@every
async def test_nothing_to_say_is_said_without_a_word(vendor: Vendor) -> None:
    async with site(vendor) as there:
        assert await spoken(there.tts) == []
        assert await spoken(there.tts, "", "  ") == []
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_audio_after_a_cancel_never_reaches_the_next_reply(vendor: Vendor) -> None:
    async with site(vendor, [Fault("afterlife", after=10**6)] * 3, gap_ms=5) as there:
        for _ in range(3):
            async with aclosing(there.tts.speak(given(LONG, LONG), MULAW_8K)) as speech:
                await first_of(speech)
            pieces = await spoken(there.tts, "anna speaks.")
            assert audio_of(pieces) == audio_for("anna speaks.")
            assert text_of(pieces) == "anna speaks."


@every
async def test_a_task_that_is_cancelled_in_any_state_leaves_nothing(vendor: Vendor) -> None:
    before = open_sockets()

    async def endless() -> AsyncGenerator[str]:
        yield PHRASES[0]
        await asyncio.Event().wait()

    async with site(vendor, gap_ms=5) as there:
        for wait_s in (0.0, 0.001, 0.01, 0.03):
            task = asyncio.create_task(collect(there.tts.speak(endless(), MULAW_8K), []))
            await asyncio.sleep(wait_s)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
    await until(lambda: open_sockets() == before)


# -- sockets -------------------------------------------------------------------------------------------------------


@every
@pytest.mark.parametrize("kind", ["reset", "close", "oversize"])
async def test_a_socket_that_dies_before_the_first_audio_is_replaced(vendor: Vendor, kind: str) -> None:
    async with site(vendor, [Fault(kind, after=2)]) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_a_socket_that_died_in_the_pool_is_noticed(vendor: Vendor) -> None:
    async with site(vendor) as there:
        await there.standin.strike(Fault("close"))
        await there.emptied()
        await asyncio.sleep(0.02)
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_a_socket_that_dies_in_the_middle_is_an_error_that_may_be_retried(vendor: Vendor) -> None:
    async with site(vendor, gap_ms=5) as there:
        async with aclosing(there.tts.speak(given(LONG, LONG), MULAW_8K)) as speech:
            await first_of(speech)
            await there.standin.strike(Fault("reset"))
            with pytest.raises(ProviderError, match="closed the socket") as caught:
                await collect(speech, [])
        assert caught.value.retryable
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_a_policy_close_is_not_retried(vendor: Vendor) -> None:
    async with site(vendor, [Fault("close", after=2, code=1008)] * 2) as there:
        pieces, error = await failure_of(there.tts, *PHRASES)
        assert not pieces
        assert not error.retryable
        assert "1008" in str(error)


@every
async def test_a_vendor_that_hangs_is_given_up(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voiceline, "READ_LIMIT_S", 0.1)
    async with site(vendor, [Fault("hang", after=2)]) as there:
        _, error = await failure_of(there.tts, *PHRASES)
        assert error.retryable
        assert "stopped answering" in str(error)


@every
async def test_a_pause_of_the_model_is_not_the_voice_s_fault(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voiceline, "READ_LIMIT_S", 0.1)

    async def slowly() -> AsyncGenerator[str]:
        yield PHRASES[0]
        await asyncio.sleep(0.25)
        yield PHRASES[1]

    async with site(vendor) as there, asyncio.timeout(WAIT_S), aclosing(there.tts.speak(slowly(), MULAW_8K)) as speech:
        assert text_of([piece async for piece in speech]) == " ".join(PHRASES[:2])


@every
async def test_garbage_is_skipped(vendor: Vendor) -> None:
    async with site(vendor, [Fault("garbage", after=2)]) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_a_vendor_that_is_not_there_is_complained_of_by_the_reply(vendor: Vendor) -> None:
    tts = vendor.open("http://127.0.0.1:9")
    await tts.start()
    _, error = await failure_of(tts, *PHRASES)
    assert error.retryable
    assert "no answer" in str(error)
    await tts.aclose()


@every
async def test_a_wrong_key_or_voice_is_refused(vendor: Vendor) -> None:
    async with vendor.standin() as url:
        tts = vendor.open(url, api_key="wrong")
        await tts.start()
        _, error = await failure_of(tts, *PHRASES)
        assert not error.retryable
        await tts.aclose()


@every
async def test_options_that_cannot_work_are_refused_at_start(vendor: Vendor) -> None:
    with pytest.raises(ConfigError, match="api_key_env"):
        await vendor.open("", api_key="").start()
    with pytest.raises(ConfigError, match="no URL"):
        await vendor.open("nowhere").start()


@pytest.mark.parametrize("vendor", [each for each in VENDORS if each.is_timed], ids=lambda each: each.name)
async def test_a_voice_is_needed(vendor: Vendor) -> None:
    with pytest.raises(ConfigError, match="needs a voice"):
        await vendor.open("", voice="").start()


@every
@pytest.mark.parametrize("scheme", ["http", "ws"])
async def test_the_url_may_be_of_any_scheme(vendor: Vendor, scheme: str) -> None:
    standin = vendor.standin()
    async with standin as url:
        tts = vendor.open(url.replace("http", scheme, 1))
        await tts.start()
        assert text_of(await spoken(tts, *PHRASES)) == TEXT
        await tts.aclose()


@every
async def test_lines_that_nobody_takes_are_hung_up(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    async with site(vendor) as there:
        await there.tts.prepare()
        monkeypatch.setattr(there.tts, "keep_s", 0.05)
        await spoken(there.tts, *PHRASES, wanted=L16_8K)
        await until(lambda: there.standin.live == 1)
        assert there.standin.connections in (2, 3)


@pytest.mark.parametrize("vendor", [AURA, FLUX], ids=lambda each: each.name)
async def test_a_vendor_that_does_not_fall_silent_loses_the_line(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voicepool, "SETTLE_S", 0.05)
    async with site(vendor, [Fault("deaf", after=10**6)], gap_ms=5) as there:
        async with aclosing(there.tts.speak(given(LONG), MULAW_8K)) as speech:
            await first_of(speech)
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        await until(lambda: there.standin.live == 2)
        assert there.standin.connections == 3


@every
async def test_no_word_and_no_key_is_ever_logged(vendor: Vendor, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        async with site(vendor) as there:
            await spoken(there.tts, *PHRASES)
            await there.standin.strike(Fault("reset"))
            await there.emptied()
    told = "".join(str(record.__dict__) for record in caplog.records if record.name.startswith("mediasrv"))
    assert vendor.key not in told
    assert "pune" not in told


@every
@pytest.mark.parametrize(("fault", "retryable"), [(Fault("error", after=2, status=500), True)])
async def test_an_error_in_the_middle_ends_the_reply(vendor: Vendor, fault: Fault, retryable: bool) -> None:
    async with site(vendor, [fault], chunk_ms=50) as there:
        pieces, error = await failure_of(there.tts, LONG)
        assert pieces
        assert error.retryable is retryable
        assert vendor.key not in str(error)
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


# -- words and their times -----------------------------------------------------------------------------------------


@timed
@pytest.mark.parametrize("chunk_ms", [20, 100, 1000])
async def test_each_piece_begins_with_its_words(vendor: Vendor, chunk_ms: int) -> None:
    async with site(vendor, chunk_ms=chunk_ms) as there:
        pieces = await spoken(there.tts, LONG)
    whole = audio_for(LONG)
    at = letters = 0
    for piece in pieces:
        if piece.text:
            # Where the words are in the text is where they are in the audio: all characters last alike.
            start = LONG.index(piece.text, letters)
            assert abs(at - len(audio_for(LONG[:start], joint=""))) <= MULAW_8K.bytes_in(10)
            letters = start + len(piece.text)
        at += len(piece.audio)
    assert at == len(whole)
    assert sum(bool(piece.text) for piece in pieces) >= 2


@timed
async def test_without_times_words_are_told_at_a_usual_pace(vendor: Vendor) -> None:
    async with site(vendor, [Fault("untimed", after=10**6)]) as there:
        pieces = await spoken(there.tts, *PHRASES)
        assert text_of(pieces) == TEXT
        assert audio_of(pieces) == audio_for(*PHRASES)
        assert pieces[0].text == "hello"
        assert all(piece.audio for piece in pieces)


def test_options_have_the_names_of_all_providers() -> None:
    for vendor in VENDORS:
        options: Any = vendor.options()
        assert {"url", "api_key", "model", "voice", "language"} <= set(options.__dataclass_fields__)
        assert "secret" not in repr(vendor.options(api_key="secret"))
