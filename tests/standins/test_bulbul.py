"""Sarvam's own client talks to the stand-in of its voices."""

from __future__ import annotations

import asyncio
from base64 import b64decode
from typing import Any

import pytest

from native_bench.standins.bulbul import KEY, BulbulStandin
from native_bench.standins.speaking import voiced
from tests.patience import WAIT_S

sarvamai: Any = pytest.importorskip("sarvamai")
environments: Any = pytest.importorskip("sarvamai.environment")
pytestmark = pytest.mark.sdk

TEXT = "namaste. "


def client(url: str, key: str = KEY) -> Any:
    environment = environments.SarvamAIEnvironment(base=url, creative=url, production=url.replace("http", "ws"))
    return sarvamai.AsyncSarvamAI(api_subscription_key=key, environment=environment)


async def test_bulbul_speaks_and_says_when_it_is_done() -> None:
    standin = BulbulStandin()
    async with (
        standin as url,
        client(url).text_to_speech_streaming.connect(model="bulbul:v3", send_completion_event="true") as socket,
    ):
        await socket.configure("hi-IN", speaker="shubh", speech_sample_rate=8000, output_audio_codec="mulaw")
        await socket.ping()
        await socket.convert(TEXT)
        await socket.flush()
        audio, kinds = b"", []
        async with asyncio.timeout(WAIT_S):
            while "event" not in kinds:
                message = await socket.recv()
                type(message).model_validate(message.model_dump(exclude_none=True))
                kinds.append(message.type)
                audio += b64decode(message.data.audio) if message.type == "audio" else b""
    assert audio == voiced(TEXT)
    assert standin.kept_alive == 1
    assert standin.complaints == []


async def test_a_wrong_key_is_refused() -> None:
    async with BulbulStandin() as url:
        with pytest.raises(Exception, match="initializing"):
            async with client(url, "wrong").text_to_speech_streaming.connect(model="bulbul:v3"):
                pass
