"""Cartesia's own client talks to the stand-in of its voices."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from native_bench.standins.base import Fault
from native_bench.standins.cartesia import KEY, VOICE, CartesiaStandin
from native_bench.standins.speaking import voiced
from tests.patience import WAIT_S, until

cartesia: Any = pytest.importorskip("cartesia")
pytestmark = pytest.mark.sdk

SPEECH: dict[str, Any] = {
    "model_id": "sonic-3.5",
    "voice": {"mode": "id", "id": VOICE},
    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
    "language": "en",
    "add_timestamps": True,
}


def client(url: str, key: str = KEY) -> Any:
    return cartesia.AsyncCartesia(api_key=key, base_url=url, websocket_base_url=url.replace("http", "ws"))


async def hear(context: Any) -> list[Any]:
    """All messages of a context; every one must be whole in the client's eyes."""
    async with asyncio.timeout(WAIT_S):
        messages = [message async for message in context.receive()]
    for message in messages:
        type(message).model_validate(message.model_dump(by_alias=True, exclude_none=True), strict=False)
    return messages


async def test_a_context_is_spoken_with_its_times() -> None:
    standin = CartesiaStandin()
    async with standin as url, client(url).tts.websocket_connect() as connection:
        context = connection.context(max_buffer_delay_ms=0, **SPEECH)
        await context.push("hello there ")
        await context.push("you. ")
        await context.no_more_inputs()
        messages = await hear(context)
    chunks = [message for message in messages if message.type == "chunk"]
    words = [word for each in messages if each.type == "timestamps" for word in each.word_timestamps.words]
    assert b"".join(b64decode(chunk.data) for chunk in chunks).startswith(voiced("hello there you. ", MULAW_8K))
    assert words == ["hello", "there", "you."]
    assert messages[-1].type == "done"
    assert standin.complaints == []


async def test_a_context_is_cancelled() -> None:
    standin = CartesiaStandin(gap_ms=20)
    async with standin as url, client(url).tts.websocket_connect() as connection:
        context = connection.context(max_buffer_delay_ms=0, **SPEECH)
        await context.push("hello there ")
        await context.cancel()
        await until(lambda: standin.cancelled)
    assert standin.cancelled == 1
    assert standin.complaints == []


async def test_an_error_is_one_in_the_client_s_eyes() -> None:
    standin = CartesiaStandin(faults=[Fault("error", after=1, status=500)])
    async with standin as url, client(url).tts.websocket_connect() as connection:
        context = connection.context(max_buffer_delay_ms=0, **SPEECH)
        await context.push("hello there you and everybody ")
        messages = await hear(context)
    assert messages[-1].type == "error"
    assert messages[-1].status_code == 500


async def test_a_wrong_key_is_refused() -> None:
    async with CartesiaStandin() as url:
        with pytest.raises(Exception, match="401"):
            await client(url, "wrong").tts.websocket_connect().enter()
