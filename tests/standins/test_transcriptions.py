"""OpenAI's own client talks to the stand-in of transcriptions."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.audio.wav import wav
from native_bench.standins.base import Fault
from native_bench.standins.dictation import encode
from native_bench.standins.transcriptions import KEY, TranscriptionsStandin

openai: Any = pytest.importorskip("openai")
pytestmark = pytest.mark.sdk


def client(url: str, key: str = KEY) -> Any:
    return openai.AsyncOpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0)


async def test_it_has_a_file_written_down() -> None:
    standin = TranscriptionsStandin()
    async with standin as url, client(url) as sdk:
        file = ("utterance.wav", wav(MULAW_8K, encode("w65 w66")))
        written = await sdk.audio.transcriptions.create(
            file=file, model="gpt-transcribe", language="en", prompt="Acme.", temperature=0, response_format="json"
        )
    assert written.text == "w65 w66"
    assert standin.forms[0]["language"] == "en"
    assert standin.complaints == []


@pytest.mark.parametrize(("status", "kind"), [(401, "AuthenticationError"), (429, "RateLimitError")])
async def test_it_knows_the_refusals(status: int, kind: str) -> None:
    fault = Fault("error", status=status, reason="some_code")
    async with TranscriptionsStandin(faults=[fault]) as url, client(url) as sdk:
        file = ("utterance.wav", wav(MULAW_8K, encode("w65")))
        with pytest.raises(getattr(openai, kind)) as refusal:
            await sdk.audio.transcriptions.create(file=file, model="gpt-transcribe")
        assert refusal.value.code == "some_code"
