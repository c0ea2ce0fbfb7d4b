"""What every voice in the cloud does, whether it speaks over a WebSocket or over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import date

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.providers import sunset
from mediasrv.providers.base import Speech
from native_bench.standins.base import Fault
from tests.patience import WAIT_S
from tests.providers.tts import (
    PHRASES,
    TEXT,
    VENDORS,
    Vendor,
    collect,
    failure_of,
    first_of,
    site,
    spoken,
    text_of,
)

every = pytest.mark.parametrize("vendor", VENDORS, ids=lambda each: each.name)


@every
async def test_a_phrase_is_heard_before_the_next_is_there(vendor: Vendor) -> None:
    more = asyncio.Event()

    async def slowly() -> AsyncGenerator[str]:
        yield PHRASES[0]
        await more.wait()
        yield PHRASES[1]

    async with site(vendor) as there, aclosing(there.tts.speak(slowly(), MULAW_8K)) as speech:
        first = await first_of(speech)
        assert first[0].audio
        assert PHRASES[0].startswith(first[0].text)
        more.set()
        async with asyncio.timeout(WAIT_S):
            rest = [piece async for piece in speech]
        assert text_of(first + rest) == " ".join(PHRASES[:2])


@every
async def test_what_the_phrases_raise_is_raised_when_those_before_it_are_spoken(vendor: Vendor) -> None:
    async def broken() -> AsyncGenerator[str]:
        yield PHRASES[0]
        raise ZeroDivisionError

    pieces: list[Speech] = []
    async with site(vendor) as there:
        with pytest.raises(ZeroDivisionError):
            await collect(there.tts.speak(broken(), MULAW_8K), pieces)
    assert text_of(pieces) == PHRASES[0]


@every
@pytest.mark.parametrize(
    ("status", "retryable"),
    [(400, False), (401, False), (402, False), (404, False), (422, False), (429, True), (500, True)],
)
async def test_a_refusal_names_provider_and_status_and_no_key(vendor: Vendor, status: int, retryable: bool) -> None:
    refusal = Fault("refuse", status=status, reason=f"bad {vendor.key}", delay_s=1)
    # Where a socket is to be opened, it is tried again.
    async with site(vendor, [refusal] * (3 if vendor.is_socket else 1)) as there:
        pieces, error = await failure_of(there.tts, *PHRASES)
        assert not pieces
        assert error.retryable is retryable
        assert f"tts provider {vendor.name}: HTTP {status}" in str(error)
        assert vendor.key not in str(error)
        there.standin.plan([])
        assert text_of(await spoken(there.tts, *PHRASES)) == TEXT


@every
async def test_a_model_that_ends_is_warned_of_at_the_start(
    vendor: Vendor, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sunset, "end_of", lambda model: date.max)
    tts = vendor.open("http://127.0.0.1:9")
    with caplog.at_level(logging.WARNING):
        await tts.start()
    await tts.aclose()
    assert [record.getMessage() for record in caplog.records] == ["model will be switched off"]
