"""ElevenLabs' own client talks to the stand-in of Scribe."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from native_bench.standins.base import Fault
from native_bench.standins.dictation import encode
from native_bench.standins.scribe import KEY, ScribeStandin
from tests.patience import WAIT_S

scribe: Any = pytest.importorskip("elevenlabs.realtime.scribe")
connections: Any = pytest.importorskip("elevenlabs.realtime.connection")
pytestmark = pytest.mark.sdk


async def connect(url: str, heard: asyncio.Queue[tuple[str, Any]], key: str = KEY, **options: Any) -> Any:
    client = scribe.ScribeRealtime(key, base_url=url.replace("http", "ws"))
    wanted = {"model_id": "scribe_v2_realtime", "audio_format": scribe.AudioFormat.ULAW_8000, "sample_rate": 8000}
    connection = await client.connect({**wanted, **options})
    for event in connections.RealtimeEvents:
        connection.on(event, lambda data=None, name=event.value: heard.put_nowait((name, data)))
    return connection


async def until(heard: asyncio.Queue[tuple[str, Any]], wanted: str) -> Any:
    async with asyncio.timeout(WAIT_S):
        while True:
            name, data = await heard.get()
            if name == wanted:
                return data


async def test_it_commits_what_was_said() -> None:
    standin = ScribeStandin()
    heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    async with standin as url:
        connection = await connect(url, heard, language_code="en", keyterms=["Acme"], include_timestamps=True)
        audio = encode("w65 w66")
        for at in range(0, len(audio), 480):
            await connection.send({"audio_base_64": b64encode(audio[at : at + 480]).decode()})
        assert (await until(heard, "partial_transcript"))["text"] == "w65"
        await connection.commit()
        assert (await until(heard, "committed_transcript"))["text"] == "w65 w66"
        assert (await until(heard, "committed_transcript_with_timestamps"))["text"] == "w65 w66"
        await connection.commit()
        await until(heard, "insufficient_audio_activity")
        await connection.close()
    assert standin.complaints == []


async def test_it_reads_the_errors() -> None:
    heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    async with ScribeStandin(faults=[Fault("error", reason="rate_limited")]) as url:
        connection = await connect(url, heard)
        await connection.send({"audio_base_64": b64encode(encode("w65")).decode()})
        await connection.commit()
        await until(heard, "rate_limited")
        await connection.close()


async def test_a_wrong_key_is_refused() -> None:
    async with ScribeStandin() as url:
        with pytest.raises(Exception, match="401"):
            await connect(url, asyncio.Queue(), "wrong")
