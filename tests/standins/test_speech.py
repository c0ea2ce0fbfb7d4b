"""OpenAI's own client talks to the stand-in of the speech interface."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.speaking import voiced
from native_bench.standins.speech import KEY, RATE_HZ, SpeechStandin

openai: Any = pytest.importorskip("openai")
pytestmark = pytest.mark.sdk


def client(url: str, key: str = KEY) -> Any:
    return openai.AsyncOpenAI(api_key=key, base_url=f"{url}/v1", max_retries=0)


async def test_speech_is_streamed() -> None:
    standin = SpeechStandin()
    async with (
        standin as url,
        client(url).audio.speech.with_streaming_response.create(
            model="kokoro", voice="af_heart", input="hello", response_format="pcm"
        ) as response,
    ):
        audio = b"".join([data async for data in response.iter_bytes()])
    assert audio == voiced("hello", AudioFormat(Encoding.L16, RATE_HZ))
    assert standin.complaints == []


async def test_a_wrong_key_is_refused() -> None:
    async with SpeechStandin() as url:
        with pytest.raises(openai.AuthenticationError):
            await client(url, "wrong").audio.speech.create(model="m", voice="v", input="hello", response_format="pcm")
