"""The server that is measured, and a whole measurement in small."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest

from mediasrv.config import check_providers, load
from native_bench.processes import ServerDied
from native_bench.turn import TURN
from native_bench.turntaking import command
from native_bench.turntaking.callers import Run
from native_bench.turntaking.hearing import Listener
from native_bench.turntaking.tally import judged
from native_bench.turntaking.world import World, configuration

ORIGINS = {stage: f"http://127.0.0.1:{port}" for port, stage in enumerate(("stt", "llm", "tts"), 9001)}


def test_the_servers_configuration_is_a_good_one(tmp_path: Path) -> None:
    file = tmp_path / "server.toml"
    file.write_text(configuration(9000, ORIGINS, {"endpoint_ms": 300, "interruptible_greeting": False}))
    settings = load(file, {}, {})
    check_providers(settings)
    turn = settings.agents["default"].turn
    assert (settings.server.port, turn.endpoint_ms, turn.interruptible_greeting) == (9000, 300, False)


async def bench(*arguments: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "native_bench", *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


async def test_a_caller_speaks_breaks_in_and_all_is_told(tmp_path: Path) -> None:
    kept, trials = tmp_path / "figures.jsonl", tmp_path / "trials.jsonl"
    files = ("--json", str(kept), "--trials", str(trials))
    code, said = await bench("bargein", "--per-class", "1", "--calls", "1", "--slip", "1e9", *files)
    assert code == 0, said
    assert "barge-in: onset to clear" in said
    figures = orjson.loads(kept.read_bytes())
    assert figures["turns"]["all"]["count"] == 1
    assert figures["barge_ins"]["barge-in"]["count"] == 1
    assert figures["speculation"]["heard"] >= 2
    assert {"machine", "governor", "versions", "commit"} <= figures.keys()
    assert len(trials.read_bytes().splitlines()) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--json", "/nonexistent/file"), "cannot write /nonexistent/file"),
        (("--calls", "10000000"), "file descriptors"),
        (("--calls", "0"), "invalid"),
        (("--set", "patience=much"), "expected a number"),
    ],
)
async def test_what_cannot_be_obeyed_is_one_line(arguments: tuple[str, ...], words: str) -> None:
    code, said = await bench("turn", *arguments)
    assert code in (2, 78)
    assert words in said
    assert "Traceback" not in said


async def test_of_a_stand_in_that_is_gone_there_is_nothing_to_tell() -> None:
    world = World("ws://127.0.0.1:9/plivo/stream", {"llm": "http://127.0.0.1:9"}, {})
    assert await world.ledgers() == {"llm": {}}
    run = Run(1, [], ["llm died in mid-run"], {"llm": {}}, 1.0, {})
    tally = judged(run, Listener(np.zeros(8000), 1.0))
    assert (tally.failures, tally.complaints) == (["llm died in mid-run"], [])


def test_a_server_that_does_not_start_is_told_in_one_line_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def dies(*_: object) -> None:
        raise ServerDied("the server did not start; it said: no such key")

    path = tmp_path / "kept.jsonl"
    monkeypatch.setattr(command, "_one", dies)
    monkeypatch.setattr(sys, "argv", ["turn", "--quick", "--json", str(path)])
    assert command.run(TURN) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "broken off: the server did not start; it said: no such key"
    assert orjson.loads(path.read_bytes())["failure"] == "the server did not start; it said: no such key"
