"""Calls over a bad network: they go on, or end with a cause, and nothing is left of them."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.audio.warmup import warm
from mediasrv.call.ear import rehearse
from mediasrv.net.connection import FLOOD
from mediasrv.server import door
from mediasrv.server.media import STREAM_LIMITS
from mediasrv.simulator.caller import CONNECTION_LOST, Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import report
from mediasrv.simulator.script import AgentFinished, HangUp, Line, Performance, Speak
from mediasrv.simulator.speech import recorded
from native_bench.leftovers import attribute_tasks, left_over, open_files, own
from tests.call.stage import SHORT, Watch, agent_options
from tests.hurried import run_hurriedly
from tests.patience import WAIT_S, until
from tests.proxy import Weather, proxy
from tests.test_end_to_end import serving
from tests.test_workers import serving as serving_alone

LONG_REPLY = "There is a great deal to be said about that, and all of it will be said now, one by one. " * 12


def script(questions: int) -> list[Line]:
    cue = AgentFinished(quiet_ms=1600, patience_ms=8000)
    return [*(Line(cue, Speak(recorded()[SHORT])) for _ in range(questions)), Line(cue, HangUp())]


async def call_through(
    weather: Weather, questions: int = 2, carrier: str = "plivo", **changes: Any
) -> tuple[Conversation, Watch, list[str]]:
    """Call; return what both sides know of it, and what is left of it."""
    attribute_tasks()
    warm(rehearse)
    tasks, watch, before = own(), Watch(), Counter(open_files())
    options = agent_options(greeting="Good day.", keep_audio=False, **changes)
    async with serving(options, watch) as service, proxy(service.port, weather) as way:
        pacing = Pacing(asyncio.get_running_loop().time)
        person = Performance(script(questions), MULAW_8K)
        caller = Caller(carrier_named(carrier), MULAW_8K, person, pacing, limit_s=50.0)
        call = await caller.call(f"ws://127.0.0.1:{way.port}/{carrier}/stream")
        await until(lambda: bool(watch.causes))
        metrics = service.metrics.render().decode()
        assert FLOOD not in metrics
        ports = {service.port, way.port}
    left = await left_over(tasks, ports)
    left += (Counter(open_files()) - before).elements()
    return call, watch, left


@pytest.fixture(autouse=True)
def no_stack_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


@pytest.mark.parametrize(
    "weather",
    [
        Weather(delay_s=0.08, jitter_s=0.3),
        Weather(stalls=((2.0, 2.0), (6.0, 2.0))),
        Weather(delay_s=0.05, jitter_s=0.1, stalls=((3.0, 1.0), (4.5, 2.0))),
    ],
    ids=["jitter of 300 ms", "stalls of 2 s", "both"],
)
def test_a_call_survives(weather: Weather) -> None:
    call, watch, left = run_hurriedly(call_through(weather, stt={"texts": ("One.", "Two.")}))
    assert watch.causes == ["caller hung up"]
    # A stall in the midst of a question may make two of it, but each is answered.
    assert len([text for side, text in watch.words if side == "caller"]) >= 2
    assert [turn.answer_s is not None for turn in report(call).turns] == [True, True]
    assert left == []


def test_a_connection_that_is_torn_down_ends_the_call() -> None:
    call, watch, left = run_hurriedly(call_through(Weather(resets_s=3.0)))
    assert call.ending == CONNECTION_LOST
    assert watch.causes == ["caller hung up"]
    assert left == []


def test_a_half_open_connection_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "STREAM_LIMITS", replace(STREAM_LIMITS, ping_s=2.0))

    async def go() -> tuple[list[str], list[str]]:
        attribute_tasks()
        tasks, watch = own(), Watch()
        options = agent_options(greeting="Good day.", keep_audio=False)
        async with serving(options, watch) as service, proxy(service.port, Weather(goes_silent_s=3.0)) as way:
            caller = Caller(
                carrier_named("plivo"),
                MULAW_8K,
                Performance(script(4), MULAW_8K),
                Pacing(asyncio.get_running_loop().time),
            )
            calling = asyncio.create_task(caller.call(f"ws://127.0.0.1:{way.port}/plivo/stream"))
            async with asyncio.timeout(WAIT_S):
                while not watch.causes:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            assert not calling.done()
            calling.cancel()
            await asyncio.gather(calling, return_exceptions=True)
            ports = {service.port, way.port}
        return watch.causes, await left_over(tasks, ports)

    causes, left = run_hurriedly(go())
    assert causes == ["caller hung up"]
    assert left == []


def test_a_carrier_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = replace(STREAM_LIMITS, stall_s=2.0, buffer_bytes=64 * 1024)
    monkeypatch.setattr(door, "STREAM_LIMITS", limits)
    _, watch, left = run_hurriedly(
        call_through(Weather(reads_nothing_s=2.0), questions=1, llm={"replies": (LONG_REPLY,)})
    )
    assert watch.causes == ["caller hung up"]
    assert left == []


def test_clocks_that_jump_hurt_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    real, jumps = time.time, iter([0.0, 3600.0, -7200.0])
    leap = [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + leap[0])

    async def go() -> tuple[Conversation, Watch, list[str]]:
        calling = asyncio.create_task(call_through(Weather(), stt={"texts": ("One.", "Two.")}))
        for each in jumps:
            leap[0] = each
            await asyncio.sleep(2.0)
        return await calling

    call, watch, left = run_hurriedly(go())
    assert watch.causes == ["caller hung up"]
    assert [turn.answer_s is not None for turn in report(call).turns] == [True, True]
    assert left == []


@pytest.mark.long
async def test_without_descriptors_calls_go_on_and_new_ones_come_when_there_are_some_again(
    tmp_path: Path,
) -> None:
    async with serving_alone(tmp_path) as server:
        phone = await server.phone("before")
        few = len(os.listdir(f"/proc/{server.process.pid}/fd")) + 20
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (few, few))
        port = int(server.http.rpartition(":")[2])
        crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        await asyncio.sleep(1.0)
        assert server.process.returncode is None
        assert phone.ears.websocket.is_open
        for _, writer in crowd:
            writer.transport.abort()
        answer = None
        async with asyncio.timeout(WAIT_S):
            while answer is None:
                # Those that waited to be let in are reset before the first of those that came after them.
                with suppress(aiohttp.ClientError):
                    answer = await server.get("/healthz")
        assert answer == (200, "alive\n")
        await server.phone("after")
        assert phone.ears.websocket.is_open
        assert len(server.lines) < 60
