"""Deepgram's own client talks to the stand-ins of both its voices."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from native_bench.standins.aura import AuraStandin
from native_bench.standins.deepgram import KEY
from native_bench.standins.flux_tts import FluxTtsStandin
from native_bench.standins.speaking import voiced
from tests.patience import WAIT_S

deepgram: Any = pytest.importorskip("deepgram")
environments: Any = pytest.importorskip("deepgram.environment")
v1: Any = pytest.importorskip("deepgram.speak.v1.types")
v2: Any = pytest.importorskip("deepgram.speak.v2.types")
pytestmark = pytest.mark.sdk

TEXT = "hello there you. "


def client(url: str, key: str = KEY) -> Any:
    sockets = url.replace("http", "ws")
    environment = environments.DeepgramClientEnvironment(base=url, production=sockets, agent=sockets, agent_rest=url)
    return deepgram.AsyncDeepgramClient(api_key=key, environment=environment)


async def until(socket: Any, wanted: str) -> tuple[Any, bytes]:
    """The first message of a kind, and the audio before it; every message must be whole in the client's eyes."""
    audio = b""
    async with asyncio.timeout(WAIT_S):
        while True:
            message = await socket.recv()
            if isinstance(message, bytes):
                audio += message
                continue
            type(message).model_validate(message.model_dump(exclude_none=True))
            if message.type == wanted:
                return message, audio


async def test_aura_speaks_flushes_and_clears() -> None:
    standin = AuraStandin()
    async with (
        standin as url,
        client(url).speak.v1.connect(model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000) as socket,
    ):
        metadata, _ = await until(socket, "Metadata")
        await socket.send_text(v1.SpeakV1Text(type="Speak", text=TEXT))
        await socket.send_flush(v1.SpeakV1Flush(type="Flush"))
        flushed, audio = await until(socket, "Flushed")
        await socket.send_clear(v1.SpeakV1Clear(type="Clear"))
        cleared, _ = await until(socket, "Cleared")
        await socket.send_close(v1.SpeakV1Close(type="Close"))
    assert metadata.model_name == "aura-2-thalia-en"
    assert audio == voiced(TEXT)
    assert (flushed.sequence_id, cleared.sequence_id) == (0, 1)
    assert standin.complaints == []


async def test_flux_speaks_in_turns_and_is_interrupted() -> None:
    standin = FluxTtsStandin(gap_ms=20)
    async with (
        standin as url,
        client(url).speak.v2.connect(model="flux-alexis-en", encoding="mulaw", sample_rate=8000) as socket,
    ):
        connected, _ = await until(socket, "Connected")
        await socket.send_speak(v2.SpeakV2Speak(text=TEXT))
        await socket.send_flush()
        await until(socket, "Flushed")
        await until(socket, "SpeechStarted")
        metadata, audio = await until(socket, "SpeechMetadata")
        await socket.send_speak(v2.SpeakV2Speak(text=TEXT))
        await socket.send_flush()
        await until(socket, "SpeechStarted")
        await asyncio.sleep(0.03)
        await socket.send_interrupt()
        interrupted, _ = await until(socket, "SpeechInterrupted")
        await socket.send_interrupt()
        warning, _ = await until(socket, "Warning")
        await socket.send_close()
    assert connected.model_name == "flux-alexis-en"
    assert audio == voiced(TEXT)
    assert metadata.audio_duration_ms == 170
    assert interrupted.audio_played_ms > 170
    assert warning.code == "NO_ACTIVE_SPEECH"
    assert standin.complaints == []


async def test_a_wrong_key_is_refused() -> None:
    async with AuraStandin() as url:
        with pytest.raises(Exception, match="credentials"):
            async with client(url, "wrong").speak.v1.connect(
                model="aura-2-thalia-en", encoding="mulaw", sample_rate=8000
            ):
                pass
