"""What the stand-in of a turn detector lets pass, asked by hand."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import aiohttp
import pytest

from mediasrv.audio.format import L16_8K, L16_16K, AudioFormat
from mediasrv.audio.wav import wav
from native_bench.standins.detector import KEY, DetectorStandin

QUESTION: dict[str, Any] = {"text": "Yes.", "history": [{"role": "assistant", "text": "Is it raining?"}]}


def audio(form: AudioFormat, duration_ms: int) -> str:
    return b64encode(wav(form, bytes(form.bytes_in(duration_ms)))).decode()


async def post(url: str, body: object, key: str = KEY) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.post(f"{url}/judge", json=body, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_texts_are_rated_and_questions_kept() -> None:
    standin = DetectorStandin(texts={"Yes.": 0.7})
    async with standin as url:
        assert await post(url, {**QUESTION, "audio": audio(L16_16K, 500)}) == (200, {"probability": 0.7})
        assert await post(url, {**QUESTION, "text": "Yes, and"}) == (200, {"probability": 0.9})
    assert standin.questions == [{**QUESTION, "audio_s": 0.5}, {**QUESTION, "text": "Yes, and"}]
    assert standin.complaints == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"text": None}, "a text is needed"),
        ({"language": "en"}, "unknown parameters: language"),
        ({"history": [{"role": "user"}]}, "a message has a role and a text"),
        ({"audio": audio(L16_8K, 500)}, "audio of another form: (1, 2, 8000)"),
        ({"audio": audio(L16_16K, 8100)}, "8.1 s of audio"),
    ],
)
async def test_a_question_that_does_not_fit_is_refused(change: dict[str, Any], complaint: str) -> None:
    standin = DetectorStandin()
    async with standin as url:
        assert (await post(url, {**QUESTION, **change}))[0] == 400
    assert standin.complaints == [complaint]


async def test_a_wrong_key_is_refused() -> None:
    standin = DetectorStandin()
    async with standin as url:
        assert (await post(url, QUESTION, key="wrong"))[0] == 401
