"""Calls over real sockets, by real clocks, on a loop that is late: captured in sealed files, and run again."""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path
from typing import Any

import pytest
import uvloop

from mediasrv.audio.format import L16_16K, MULAW_8K, AudioFormat
from mediasrv.replay.agency import CapturingAgency
from mediasrv.replay.file import Captures, read_capture
from mediasrv.replay.loops import capturing
from mediasrv.replay.player import replay
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.script import After, AgentStarted, HangUp, Line, Performance, Press, Speak
from mediasrv.simulator.speech import recorded
from mediasrv.wire.events import Clear, PlayMedia
from tests.call.stage import LONG, SHORT, agent_options
from tests.server.stage import UNSIGNED

KEY = bytes(range(32))
LONG_REPLY = "One thing that I can tell you about this is that there is a great deal more to be told of it than this."
AGENTS = {
    "talker": agent_options(
        greeting="Hello.", llm={"replies": (LONG_REPLY,)}, stt={"interim_ms": 150}, tts={"real_time_factor": 0.5}
    ),
    "desk": agent_options(
        class_="tests.replay.agents:Desk", llm={"replies": ("tool:tell {}", "tool:fail {}", "That was it.")}
    ),
}
SCRIPTS = {
    "talker": [
        Line(After(900), Speak(recorded()[SHORT])),
        Line(AgentStarted(700), Speak(recorded()[LONG])),
        Line(AgentStarted(500), HangUp()),
    ],
    "desk": [
        Line(After(600), Press("1")),
        Line(After(500), Press("23")),
        Line(AgentStarted(500), Speak(recorded()[SHORT])),
        Line(AgentStarted(1500), HangUp()),
    ],
}


async def _stall(seed: int) -> None:
    """Hold the loop up, again and again."""
    chance = random.Random(seed)
    while True:
        await asyncio.sleep(chance.uniform(0.05, 0.4))
        time.sleep(chance.choice((0.004, 0.015, 0.06)))  # noqa: ASYNC251


async def _call(url: str, agent: str, audio: AudioFormat, pacing: Pacing) -> Any:
    person = Performance(SCRIPTS[agent], audio)
    return await Caller(carrier_named("plivo"), audio, person, pacing, limit_s=30).call(f"{url}?agent={agent}")


async def _live(folder: Path) -> None:
    captures = Captures(folder, KEY, redact=False, retain_days=1)
    captures.start()
    service = Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, CapturingAgency(AGENTS, captures))
    await service.start()
    stalling = asyncio.create_task(_stall(1))
    try:
        url, pacing = f"ws://127.0.0.1:{service.port}/plivo/stream", Pacing()
        calls = [("talker", MULAW_8K), ("talker", L16_16K), ("desk", MULAW_8K), ("desk", MULAW_8K)]
        await asyncio.gather(*(_call(url, agent, audio, pacing) for agent, audio in calls))
    finally:
        stalling.cancel()
        await service.aclose()
        await captures.aclose()


@pytest.mark.parametrize("base", [uvloop.Loop, asyncio.SelectorEventLoop], ids=["uvloop", "asyncio"])
def test_calls_over_sockets_by_real_clocks_are_run_again_to_the_byte(base: type[Any], tmp_path: Path) -> None:
    with asyncio.Runner(loop_factory=capturing(base)) as runner:
        runner.run(_live(tmp_path))
    files = sorted(tmp_path.iterdir())
    assert len(files) == 4
    kinds: set[type] = set()
    for path in files:
        with path.open("rb") as file:
            header, lines = read_capture(file, KEY)
        began = time.perf_counter()
        replayed = replay(header, lines)
        print(header["agent"], os.path.getsize(path), replayed, f"{time.perf_counter() - began:.2f} s")
        assert replayed.difference is None
        assert replayed.actions == len([line for line in lines if line[0] in ("sent", "closed link")])
        written = [message for line in lines if line[0] == "wrote" for message in line[1]]
        assert replayed.messages == len(written) > 0
        kinds |= {type(line[1]) for line in lines if line[0] == "sent"}
    assert {PlayMedia, Clear} <= kinds
