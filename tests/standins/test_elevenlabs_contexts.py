"""The stand-in of the multi-context WebSocket, as other clients use it: whole sentences, and flushes of their own."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from mediasrv.audio.format import AudioFormat, Encoding
from native_bench.standins.elevenlabs import KEY, VOICE, ElevenLabsStandin
from native_bench.standins.speaking import voiced
from tests.patience import WAIT_S

CONTEXT = "one"
OPENING = {"text": " ", "context_id": CONTEXT}
L16_8K = AudioFormat(Encoding.L16, 8000)


class Client:
    """Says what it is told and hears what comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def say(self, *messages: Mapping[str, Any]) -> None:
        for message in messages:
            await self._socket.send_json(message)

    async def audio_until(self, key: str) -> bytes:
        """All audio before a message that has this key."""
        audio = b""
        while key not in (message := await self._socket.receive_json(timeout=WAIT_S)):
            audio += b64decode(message["audio"])
        return audio


@asynccontextmanager
async def client(standin: ElevenLabsStandin, **options: str) -> AsyncIterator[Client]:
    query = {"model_id": "eleven_flash_v2_5", "output_format": "pcm_8000", "auto_mode": "true"} | options
    async with standin as url, aiohttp.ClientSession(headers={"xi-api-key": KEY}) as session:
        path = f"{url}/v1/text-to-speech/{VOICE}/multi-stream-input"
        async with session.ws_connect(path, params=query) as socket:
            yield Client(socket)


@pytest.mark.parametrize("text", ["It came.", "Did it? ", "It did!"])
async def test_a_whole_sentence_is_spoken_at_once_where_the_vendor_is_to_judge(text: str) -> None:
    standin = ElevenLabsStandin()
    async with client(standin) as one:
        await one.say(OPENING, {"text": text, "context_id": CONTEXT})
        assert await one.audio_until("type") == voiced(text, L16_8K)
    assert standin.complaints == []


async def test_what_is_no_sentence_waits_for_a_flush_which_needs_no_text() -> None:
    standin = ElevenLabsStandin()
    async with client(standin) as one:
        await one.say(OPENING, {"text": "and so", "context_id": CONTEXT}, {"context_id": CONTEXT, "flush": True})
        assert await one.audio_until("type") == voiced("and so", L16_8K)
        await one.say({"context_id": CONTEXT, "close_context": True})
        assert await one.audio_until("isFinal") == b""
    assert standin.complaints == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"context_id": "other", "flush": True},
        {"context_id": CONTEXT},
        {"context_id": CONTEXT, "flush": True, "text": None},
        {"context_id": CONTEXT, "flush": True, "text": 1},
    ],
)
async def test_a_message_without_a_text_or_a_flush_is_refused(wrong: Mapping[str, Any]) -> None:
    standin = ElevenLabsStandin()
    async with client(standin) as one:
        await one.say(OPENING, wrong)
        await one.audio_until("error")
    assert standin.complaints == ["a text is needed"]


async def test_a_recording_goes_on_from_one_sentence_of_a_context_to_the_next(tmp_path: Path) -> None:
    recording = np.arange(1, 8001, dtype="<i2")
    (tmp_path / "voice.raw").write_bytes(recording.tobytes())
    async with client(ElevenLabsStandin(recording=str(tmp_path / "voice.raw"))) as one:
        await one.say(OPENING, *({"text": text, "context_id": CONTEXT} for text in ("Yes.", "It came.")))
        audio = await one.audio_until("type") + await one.audio_until("type")
        await one.say({"text": " ", "context_id": "two"}, {"text": "No.", "context_id": "two"})
        anew = await one.audio_until("type")
    assert audio == recording[: len("Yes.It came.") * 80].tobytes()
    assert anew == recording[: len("No.") * 80].tobytes()


LATE: list[dict[str, Any]] = [
    {"context_id": CONTEXT, "text": "too late."},
    {"context_id": CONTEXT, "flush": True},
    {"context_id": CONTEXT, "close_context": True},
    {"context_id": "never", "close_context": True},
]


@pytest.mark.parametrize("late", LATE)
async def test_what_comes_for_a_closed_context_is_a_fault(late: Mapping[str, Any]) -> None:
    standin = ElevenLabsStandin()
    async with client(standin) as one:
        await one.say(OPENING, {"context_id": CONTEXT, "close_context": True})
        await one.audio_until("isFinal")
        await one.say(late)
        await one.audio_until("error")
    assert len(standin.complaints) == 1


async def test_what_comes_for_a_closed_context_is_dropped_by_the_lenient_one() -> None:
    standin = ElevenLabsStandin(lenient=1)
    async with client(standin) as one:
        await one.say(OPENING, {"context_id": CONTEXT, "close_context": True}, *LATE)
        assert await one.audio_until("isFinal") == b""
        await one.say(*LATE, {"text": " ", "context_id": "two"}, {"text": "Yes.", "context_id": "two"})
        assert await one.audio_until("type") == voiced("Yes.", L16_8K)
    assert standin.complaints == []
    assert standin.transcripts == ["Yes."]
