"""Recognisers' stand-ins stand no more than their vendors do."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from native_bench.standins.base import WebSocketStandin
from native_bench.standins.dictation import encode, quiet
from tests.patience import WAIT_S
from tests.providers.stt import VENDORS, Vendor

NOVA, FLUX, UNIVERSAL, SAARAS, SCRIBE = VENDORS
Say = str | bytes


def chunk(audio: bytes, **fields: Any) -> str:
    text = b64encode(audio).decode()
    return orjson.dumps(
        {"message_type": "input_audio_chunk", "audio_base_64": text, "commit": False, "sample_rate": 8000, **fields}
    ).decode()


@asynccontextmanager
async def talking(
    vendor: Vendor, change: Callable[[str], str] = str, **options: Any
) -> AsyncIterator[tuple[WebSocketStandin, aiohttp.ClientWebSocketResponse]]:
    """A bare WebSocket to a stand-in, by the request that our adapter makes, changed."""
    standin = vendor.standin(**options)
    async with standin as url, aiohttp.ClientSession() as http:
        stt = vendor.open(url)
        target = change(stt.url(MULAW_8K))
        async with http.ws_connect(target, headers=dict(stt.headers()), autoclose=True) as socket:
            yield standin, socket


async def said(socket: aiohttp.ClientWebSocketResponse) -> Sequence[Any]:
    """All that a stand-in says until it closes, and the code of its close."""
    heard: list[Any] = []
    async with asyncio.timeout(WAIT_S):
        async for message in socket:
            heard.append(orjson.loads(message.data))
    return [*heard, socket.close_code]


@pytest.mark.parametrize(
    ("vendor", "change"),
    [
        (NOVA, ("encoding=mulaw", "")),
        (NOVA, ("sample_rate=8000", "sample_rate=44100")),
        (NOVA, ("model=nova-3", "")),
        (NOVA, ("utterance_end_ms=1000", "utterance_end_ms=500")),
        (NOVA, ("interim_results=true", "interim_results=false")),
        (NOVA, ("channels", "chanels")),
        (FLUX, ("flux-general-en", "nova-3")),
        (FLUX, ("eager_eot_threshold=0.5", "eager_eot_threshold=0.8")),
        (FLUX, ("eot_timeout_ms=5000", "eot_timeout_ms=100")),
        (FLUX, ("eot_threshold=0.7", "eot_threshold=0.2")),
        (FLUX, ("encoding=mulaw", "encoding=mulaw&language_hint=hi")),
        (FLUX, ("encoding=mulaw", "encoding=mulaw&interim_results=true")),
        (UNIVERSAL, ("universal-streaming-english", "best")),
        (UNIVERSAL, ("sample_rate=8000", "")),
        (UNIVERSAL, ("encoding=pcm_mulaw", "encoding=mulaw")),
        (UNIVERSAL, ("format_turns", "format_turn")),
        (SAARAS, ("language_code=auto", "")),
        (SAARAS, ("language_code", "language-code")),
        (SCRIBE, ("scribe_v2_realtime", "scribe_v1")),
        (SCRIBE, ("ulaw_8000", "mulaw")),
        (SCRIBE, ("commit_strategy=manual", "commit_strategy=vad")),
        (SCRIBE, ("audio_format", "format")),
    ],
)
async def test_a_request_that_does_not_fit_is_refused(vendor: Vendor, change: tuple[str, str]) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        async with talking(vendor, lambda url: url.replace(*change)):
            pass
    assert refusal.value.status == 400


@pytest.mark.parametrize(
    ("vendor", "messages", "code"),
    [
        (NOVA, [b""], 1000),
        (FLUX, ['{"type":"Finalize"}'], 1000),
        (UNIVERSAL, [quiet(20)], 3007),
        (UNIVERSAL, [quiet(1100)], 3007),
        (UNIVERSAL, [quiet(900)] * 4, 3007),
        (UNIVERSAL, ['{"type":"Finalize"}'], 3006),
        (SCRIBE, [chunk(quiet(1100))], 1000),
        (SCRIBE, [chunk(quiet(20), sample_rate=16000)], 1000),
        (SCRIBE, ["{}"], 1000),
    ],
)
async def test_a_message_that_does_not_fit_ends_the_session(vendor: Vendor, messages: list[Say], code: int) -> None:
    async with talking(vendor) as (standin, socket):
        for message in messages:
            await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        assert (await said(socket))[-1] == code
    assert len(standin.complaints) == 1


@pytest.mark.parametrize(
    ("vendor", "messages", "goodbye"),
    [
        (NOVA, ['{"type":"Finalise"}', '{"type":"CloseStream"}'], "Metadata"),
        (SAARAS, ['{"event":"speech_end"}', '{"event":"end"}'], "session.end"),
        (SAARAS, ['{"event":"hello"}', '{"event":"end"}'], "session.end"),
        (SAARAS, ['{"event":"speech_start"}', '{"event":"speech_start"}', '{"event":"end"}'], "session.end"),
        (SAARAS, ['{"event":"audio_input","audio":"/w=="}', '{"event":"end"}'], "session.end"),
    ],
)
async def test_other_mistakes_are_complained_of(vendor: Vendor, messages: list[str], goodbye: str) -> None:
    async with talking(vendor) as (standin, socket):
        for message in messages:
            await socket.send_str(message)
        *_, last, code = await said(socket)
        assert last.get("type", last.get("event")) == goodbye
        assert code == 1000
    assert len(standin.complaints) == 1


@pytest.mark.parametrize(
    ("vendor", "code"), [(NOVA, 1011), (FLUX, 1011), (UNIVERSAL, 3005), (SAARAS, 1008), (SCRIBE, 1008)]
)
async def test_an_idle_session_is_ended(vendor: Vendor, code: int) -> None:
    async with talking(vendor, idle_s=0.05) as (_, socket):
        assert (await said(socket))[-1] == code


async def test_keep_alive_does_not_save_a_session_that_never_carried_audio() -> None:
    async with talking(NOVA, idle_s=0.2) as (_, socket):
        for _ in range(3):
            await socket.send_str('{"type":"KeepAlive"}')
            await asyncio.sleep(0.03)
        assert (await said(socket))[-1] == 1011


async def test_flux_takes_configuration_in_midstream() -> None:
    async with talking(FLUX) as (standin, socket):
        await socket.send_str('{"type":"Configure","keyterms":["Acme"]}')
        await socket.send_bytes(encode("w65"))
        await socket.send_str('{"type":"CloseStream"}')
        kinds = [each["type"] for each in (await said(socket))[:-1]]
        assert kinds == ["Connected", "ConfigureSuccess", "TurnInfo"]
    assert standin.complaints == []
