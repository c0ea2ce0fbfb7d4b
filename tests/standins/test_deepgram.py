"""Deepgram's own client talks to the stand-ins of both its recognisers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from native_bench.standins.base import Fault
from native_bench.standins.deepgram import KEY, DeepgramStandin
from native_bench.standins.deepgram_flux import DeepgramFluxStandin
from native_bench.standins.dictation import encode, quiet
from tests.patience import WAIT_S

deepgram: Any = pytest.importorskip("deepgram")
environments: Any = pytest.importorskip("deepgram.environment")
api_error: Any = pytest.importorskip("deepgram.core.api_error")
v1: Any = pytest.importorskip("deepgram.listen.v1.types")
v2: Any = pytest.importorskip("deepgram.listen.v2.types")
pytestmark = pytest.mark.sdk

AUDIO = encode("w65 w66") + quiet(120)


def client(url: str, key: str = KEY) -> Any:
    sockets = url.replace("http", "ws")
    environment = environments.DeepgramClientEnvironment(base=url, production=sockets, agent=sockets, agent_rest=url)
    return deepgram.AsyncDeepgramClient(api_key=key, environment=environment)


async def send(socket: Any, audio: bytes, chunk: int = 640) -> None:
    for at in range(0, len(audio), chunk):
        await socket.send_media(audio[at : at + chunk])


async def until(socket: Any, wanted: type, **fields: Any) -> Any:
    """The first message of a kind with these fields; every message must be whole in the client's eyes."""
    async with asyncio.timeout(WAIT_S):
        while True:
            message = await socket.recv()
            type(message).model_validate(message.model_dump(exclude_none=True))
            if isinstance(message, wanted) and all(getattr(message, key) == fields[key] for key in fields):
                return message


async def test_nova_writes_down_and_finalizes() -> None:
    standin = DeepgramStandin()
    options: dict[str, Any] = {"interim_results": True, "punctuate": True, "endpointing": 300, "utterance_end_ms": 1000}
    async with (
        standin as url,
        client(url).listen.v1.connect(
            model="nova-3", encoding="mulaw", sample_rate=8000, keyterm=["Acme", "Pune"], **options
        ) as socket,
    ):
        await send(socket, AUDIO)
        interim = await until(socket, v1.ListenV1Results, is_final=False)
        await socket.send_keep_alive()
        await socket.send_finalize()
        final = await until(socket, v1.ListenV1Results, from_finalize=True)
        await send(socket, quiet(1000))
        await until(socket, v1.ListenV1UtteranceEnd)
        await socket.send_close_stream()
        metadata = await until(socket, v1.ListenV1Metadata)
    assert "w65 w66".startswith(interim.channel.alternatives[0].transcript)
    assert final.is_final
    assert final.channel.alternatives[0].transcript == "w65 w66"
    assert [word.word for word in final.channel.alternatives[0].words] == ["w65", "w66"]
    assert (final.start, final.duration) == (0.0, 0.52)
    assert metadata.duration == 1.52
    assert standin.complaints == []


async def test_flux_follows_the_turn() -> None:
    standin = DeepgramFluxStandin()
    async with (
        standin as url,
        client(url).listen.v2.connect(
            model="flux-general-multi",
            encoding="mulaw",
            sample_rate=8000,
            eager_eot_threshold=0.5,
            eot_threshold=0.7,
            eot_timeout_ms=5000,
            language_hint=["en", "hi"],
            keyterm=["Acme"],
        ) as socket,
    ):
        await until(socket, v2.ListenV2Connected)
        await send(socket, AUDIO + quiet(80))
        await until(socket, v2.ListenV2TurnInfo, event="StartOfTurn")
        eager = await until(socket, v2.ListenV2TurnInfo, event="EagerEndOfTurn")
        await send(socket, encode("w70"))
        await until(socket, v2.ListenV2TurnInfo, event="TurnResumed")
        await socket.send_force_end_turn()
        end = await until(socket, v2.ListenV2TurnInfo, event="EndOfTurn")
        await socket.send_close_stream()
    assert eager.transcript == "w65 w66"
    assert (end.transcript, end.trigger, end.turn_index) == ("w65 w66 w70", "manual", 0)
    assert standin.complaints == []


async def test_it_reads_the_errors() -> None:
    async with DeepgramStandin(faults=[Fault("error", reason="InternalError")]) as url:
        nova = client(url).listen.v1.connect(model="nova-3", encoding="mulaw", sample_rate=8000)
        async with nova as socket:
            await socket.send_finalize()
            assert (await until(socket, v1.ListenV1Error)).variant == "InternalError"
    async with DeepgramFluxStandin(faults=[Fault("error")]) as url:
        flux = client(url).listen.v2.connect(model="flux-general-en", encoding="mulaw", sample_rate=8000)
        async with flux as socket:
            await socket.send_force_end_turn()
            assert (await until(socket, v2.ListenV2FatalError)).code == "INTERNAL_SERVER_ERROR"


async def test_a_wrong_key_is_refused() -> None:
    async with DeepgramStandin() as url:
        nova = client(url, "wrong").listen.v1.connect(model="nova-3", encoding="mulaw", sample_rate=8000)
        with pytest.raises(api_error.ApiError) as refusal:
            async with nova:
                pass
        assert refusal.value.status_code == 401
