"""Sarvam's own client talks to the stand-in of its realtime recogniser."""

from __future__ import annotations

import asyncio
from base64 import b64encode
from typing import Any

import pytest

from native_bench.standins.base import Fault
from native_bench.standins.dictation import encode
from native_bench.standins.sarvam_stt import KEY, SarvamSttStandin
from tests.patience import WAIT_S

sarvamai: Any = pytest.importorskip("sarvamai")
types: Any = pytest.importorskip("sarvamai.types")
environments: Any = pytest.importorskip("sarvamai.environment")
api_error: Any = pytest.importorskip("sarvamai.core.api_error")
pytestmark = pytest.mark.sdk


def connect(url: str, key: str = KEY) -> Any:
    sockets = url.replace("http", "ws")
    environment = environments.SarvamAIEnvironment(base=url, creative=url, production=sockets)
    client = sarvamai.AsyncSarvamAI(api_subscription_key=key, environment=environment)
    return client.speech_to_text_realtime_streaming.connect(
        language_code="hi-IN",
        model="saaras:v3-realtime",
        stream_type="fast",
        mode="transcribe",
        endpointing="manual",
        encoding="mulaw",
        sample_rate="8000",
    )


async def until(socket: Any, event: str) -> Any:
    """The first message of a kind; the client checks the fields of every message."""
    async with asyncio.timeout(WAIT_S):
        while True:
            message = await socket.recv()
            assert not isinstance(message, dict), "a message that the client does not know"
            if message.event == event:
                return message


async def test_it_hears_an_utterance() -> None:
    standin = SarvamSttStandin()
    async with standin as url, connect(url) as socket:
        await until(socket, "session.begin")
        await socket.send_realtime_speech_start(types.RealtimeSpeechStart())
        audio = encode("w65 w66")
        for at in range(0, len(audio), 480):
            piece = b64encode(audio[at : at + 480]).decode()
            await socket.send_realtime_audio_input(types.RealtimeAudioInput(audio=piece))
        assert (await until(socket, "transcript.partial")).text == "w65"
        await socket.send_realtime_speech_end(types.RealtimeSpeechEnd())
        final = await until(socket, "transcript.final")
        assert (final.text, final.utterance_idx) == ("w65 w66", 0)
        await socket.send_realtime_ping(types.RealtimePing())
        await until(socket, "pong")
        await socket.send_realtime_end(types.RealtimeEnd())
        await until(socket, "session.end")
    assert standin.complaints == []


async def test_it_reads_the_errors() -> None:
    async with SarvamSttStandin(faults=[Fault("error", status=500)]) as url, connect(url) as socket:
        await socket.send_realtime_flush(types.RealtimeFlush())
        error = await until(socket, "error")
        assert (error.code, error.is_fatal, error.status_code) == ("internal_error", True, 500)


async def test_a_wrong_key_is_refused() -> None:
    async with SarvamSttStandin() as url:
        with pytest.raises(api_error.ApiError) as refusal:
            async with connect(url, "wrong"):
                pass
        assert refusal.value.status_code == 403
