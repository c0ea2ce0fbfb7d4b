"""AssemblyAI's own client talks to the stand-in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from native_bench.standins.assemblyai import KEY, AssemblyAiStandin
from native_bench.standins.base import Fault
from native_bench.standins.dictation import encode, quiet
from tests.patience import WAIT_S

clients: Any = pytest.importorskip("assemblyai.streaming.v3.async_client")
models: Any = pytest.importorskip("assemblyai.streaming.v3.models")
pytestmark = pytest.mark.sdk


class Session:
    """What their client made of ours."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for event in models.RealTimeEvents:
            client.on(event, self._note(event.value))

    def _note(self, name: str) -> Any:
        return lambda client, event: self.events.put_nowait((name, event))

    async def next(self, name: str) -> Any:
        async with asyncio.timeout(WAIT_S):
            while True:
                kind, event = await self.events.get()
                if kind == name:
                    return event


@asynccontextmanager
async def session(url: str, key: str = KEY, **parameters: Any) -> AsyncIterator[Session]:
    options = models.RealTimeTranscriberOptions(api_host=url.replace("http", "ws"), api_key=key)
    client = clients.AsyncRealTimeTranscriber(options)
    there = Session(client)
    wanted = {"speech_model": "universal-streaming-english", "encoding": "pcm_mulaw", "sample_rate": 8000, **parameters}
    await client.connect(models.RealTimeParameters(**wanted))
    try:
        yield there
    finally:
        await client.disconnect(terminate=True)


async def test_it_follows_the_turns() -> None:
    standin = AssemblyAiStandin()
    async with standin as url, session(url, keyterms_prompt=["Acme", "Pune"], format_turns=True) as there:
        await there.next("Begin")
        audio = encode("w65 w66") + quiet(140)
        for at in range(0, len(audio), 480):
            await there.client.stream(audio[at : at + 480])
        interim = await there.next("Turn")
        await there.client.force_endpoint()
        turn = await there.next("Turn")
        while not turn.end_of_turn:
            turn = await there.next("Turn")
        formatted = await there.next("Turn")
    assert not interim.end_of_turn
    assert (turn.transcript, turn.turn_order) == ("w65 w66", 0)
    assert [(word.text, word.start, word.end) for word in turn.words] == [("w65", 0, 200), ("w66", 200, 400)]
    assert formatted.turn_is_formatted
    assert formatted.turn_order == 0
    assert standin.terminated == 1
    assert standin.complaints == []


async def test_it_reads_the_errors() -> None:
    async with AssemblyAiStandin(faults=[Fault("error", code=3005)]) as url, session(url) as there:
        await there.next("Begin")
        await there.client.stream(encode("w65"))
        await there.client.force_endpoint()
        assert (await there.next("Error")).code == 3005


async def test_chunks_that_are_too_short_end_the_session() -> None:
    standin = AssemblyAiStandin()
    async with standin as url, session(url) as there:
        await there.next("Begin")
        await there.client.stream(quiet(20))
        assert (await there.next("Error")).code == 3007
    assert len(standin.complaints) == 1


async def test_a_wrong_key_is_refused() -> None:
    async with AssemblyAiStandin() as url, session(url, "wrong") as there:
        assert (await there.next("Error")).code == 401
