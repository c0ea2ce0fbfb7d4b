"""Callers for load on real sockets: at our server, at servers that are none, and at one that dies."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mediasrv.call.agency import Agency
from mediasrv.call.options import AgentOptions
from mediasrv.carriers.options import PlivoOptions
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from native_bench.load import measured
from native_bench.load.measured import Load, call, calls_up, hang_up, let_talk
from native_bench.load.metronome import Metronome
from native_bench.load.tape import Tape
from native_bench.load.world import World
from native_bench.processes import ServerDied, running, until_ready
from tests.patience import WAIT_S

AGENT = AgentOptions(
    greeting="Hello.",
    stt={"provider": "scripted"},
    llm={"provider": "scripted", "replies": ("Yes.",)},
    tts={"provider": "scripted", "ms_per_char": 20},
)


@asynccontextmanager
async def service() -> AsyncIterator[str]:
    """Our server, in this process; its origin."""
    served = Service(
        ServerOptions(port=0, sheds_load=False), PlivoOptions(verify_signatures=False), Agency({"default": AGENT})
    )
    await served.start()
    try:
        yield f"http://127.0.0.1:{served.port}"
    finally:
        await served.aclose()


@asynccontextmanager
async def stranger(says: bytes) -> AsyncIterator[str]:
    """A server that says something and is not ours."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def world(origin: str, tmp_path: Path, *arguments: str) -> AsyncIterator[World]:
    """The origin, and a process that lives as long as the arguments have it."""
    log = tmp_path / "server.log"
    log.write_text("what I did\nwhy I died\n")
    async with running(*(arguments or ("-c", "import time; time.sleep(60)"))) as process:
        yield World(origin, process, {}, log, tmp_path, 0.0)


async def test_a_call_is_greeted_speaks_in_time_and_leaves(tmp_path: Path) -> None:
    async with service() as origin, world(origin, tmp_path) as there, calls_up(there, Tape(), 1) as load:
        (caller,) = load.callers
        async with asyncio.timeout(WAIT_S):
            await caller.spoke
            caller.ping()
            await let_talk(there, 0.2, lambda _: None)
    assert (load.failures, caller.over.result()) == ([], "")
    assert len(caller.answers_ms) == 1
    assert caller.ear.utterances[0].silent_samples == 0
    assert len(load.metronome.lateness_s) > 2


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "'HTTP/1.1 404 Not Found'"),
        (b"SSH-2.0-OpenSSH_9.9\r\n", "'SSH-2.0-OpenSSH_9.9'"),
        (b"", "no answer"),
    ],
)
async def test_what_is_no_server_of_ours_is_told(
    says: bytes, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured, "_OPEN_LIMIT_S", 0.2)
    async with stranger(says) as origin, world(origin, tmp_path) as there, calls_up(there, Tape(), 1) as load:
        assert load.callers == []
        assert len(load.failures) == 1
        assert told in load.failures[0]


async def test_a_port_where_nobody_is_is_told(tmp_path: Path) -> None:
    async with stranger(b"") as origin:
        pass
    async with world(origin, tmp_path) as there, calls_up(there, Tape(), 1) as load:
        assert "refused" in load.failures[0].lower() or "connect" in load.failures[0].lower()


async def test_a_server_that_dies_in_mid_run_is_told_with_its_last_words(tmp_path: Path) -> None:
    async with service() as origin, world(origin, tmp_path, "-c", "import time; time.sleep(0.3)") as there:
        with pytest.raises(ServerDied, match="why I died"):
            async with calls_up(there, Tape(), 1):
                await let_talk(there, 30.0, lambda _: None)


async def test_a_server_that_drops_its_calls_is_told(tmp_path: Path) -> None:
    load = Load(Metronome(), Tape())
    async with service() as origin, world(origin, tmp_path) as there:
        caller = await call(there, load, 0)
        load.callers.append(caller)
        await caller.spoke
    assert await caller.over == "the server hung up"
    await hang_up(load)


async def test_a_server_that_does_not_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        async with running("-c", "import sys; sys.exit('no such key')", stderr=file.fileno()) as process:
            with pytest.raises(ServerDied, match="no such key"):
                await until_ready("http://127.0.0.1:9", process, log)


async def test_a_server_that_takes_connections_and_says_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("native_bench.processes.READY_LIMIT_S", 0.1)
    monkeypatch.setattr("native_bench.processes._ANSWER_LIMIT_S", 0.05)
    async with stranger(b"") as origin, running("-c", "import time; time.sleep(60)") as process:
        with pytest.raises(ServerDied, match="was not ready within"):
            await until_ready(origin, process, tmp_path / "log")


async def test_a_process_that_does_not_end_kindly_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("native_bench.processes._STOP_LIMIT_S", 0.05)
    stubborn = "import signal, time; signal.signal(15, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    async with running("-c", stubborn, stdout=asyncio.subprocess.PIPE) as process:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"up\n"
    assert process.returncode == -9
