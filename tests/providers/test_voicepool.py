"""Lines to a voice, open ahead of need."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.providers import voiceline, voicepool
from native_bench.standins.base import Fault
from tests.patience import until
from tests.providers.tts import AURA, CARTESIA, PHRASES, TEXT, Vendor, first_of, given, site, spoken, text_of


async def test_a_line_that_is_free_is_not_joined_by_another() -> None:
    async with site(CARTESIA) as there:
        await asyncio.gather(*(there.tts.prepare() for _ in range(5)))
        assert there.standin.connections == 1


async def test_a_line_that_falls_silent_late_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voicepool, "SETTLE_S", 0.1)
    async with site(AURA, [Fault("afterlife", after=10**6)], gap_ms=2) as there:
        async with aclosing(there.tts.speak(given("hello there"), MULAW_8K)) as speech:
            await first_of(speech)
        await asyncio.sleep(0.2)
        for _ in range(3):
            assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        assert there.standin.connections == 2


async def test_a_reply_that_outlives_the_pool_hangs_up_itself() -> None:
    async with site(CARTESIA, gap_ms=5) as there:
        async with aclosing(there.tts.speak(given(*PHRASES), MULAW_8K)) as speech:
            await first_of(speech)
            await there.tts.aclose()
            assert there.standin.live >= 1
        await until(lambda: not there.standin.live)


async def test_closing_while_a_spare_is_being_opened_leaves_nothing() -> None:
    async with site(CARTESIA, [Fault(), Fault("stall")]) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        assert there.standin.live == 1


@pytest.mark.parametrize("vendor", [CARTESIA, AURA], ids=lambda each: each.name)
async def test_a_line_that_answers_nothing_is_not_taken_again(vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voiceline, "SUSPECT_S", 0.05)
    async with site(vendor) as there:
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
        await there.standin.strike(Fault("hang"))
        async with aclosing(there.tts.speak(given(*PHRASES), MULAW_8K)) as speech:
            waiting = asyncio.ensure_future(anext(speech))
            await asyncio.sleep(0.1)
            # What was opened at the same time is not trusted either.
            assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
            waiting.cancel()
            await asyncio.wait([waiting])
        for _ in range(3):
            assert text_of(await spoken(there.tts, *PHRASES)) == TEXT
