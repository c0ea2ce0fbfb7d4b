from __future__ import annotations

import asyncio
import configparser
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from mediasrv.cli import grammar
from mediasrv.server.options import ServerOptions
from native_bench.processes import free_port
from tests.patience import WAIT_S
from tests.test_workers import API_TOKEN, scripted, serving

FOLDER = Path(__file__).parent.parent / "systemd"
SERVICES = ("mediasrv.service", "mediasrv@.service")
MOST_EXPOSED = 2.0

needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")


def unit(name: str) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment]
    parser.read_string((FOLDER / name).read_text())
    return parser


@pytest.fixture
def copies(tmp_path: Path) -> Path:
    """The units, with a program that is there."""
    for path in FOLDER.iterdir():
        if path.suffix in (".service", ".socket"):
            text = path.read_text().replace("/opt/mediasrv/.venv/bin/mediasrv", sys.executable)
            (tmp_path / path.name.replace("@.", "@1.")).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", SERVICES)
def test_its_command_line_is_one_of_ours(name: str) -> None:
    program, *arguments = shlex.split(unit(name)["Service"]["ExecStart"])
    flags = grammar().parse_args(arguments)
    assert Path(program).name == "mediasrv"
    assert flags.parser.prog == "mediasrv serve"
    assert flags.config == Path("/etc/mediasrv/mediasrv.toml")
    assert bool(flags.workers) == (name == "mediasrv.service")


@pytest.mark.parametrize("name", SERVICES)
def test_systemd_waits_until_all_is_warm_and_until_live_calls_are_over(name: str) -> None:
    service = unit(name)["Service"]
    assert service["Type"] == "notify"
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > ServerOptions().drain_s
    assert int(service["TimeoutStartSec"]) >= 300
    assert service["ExecReload"] == "/bin/kill -HUP $MAINPID"


@pytest.mark.parametrize("name", SERVICES)
def test_a_loop_that_stands_still_is_ended_and_a_mistake_is_not_tried_again(name: str) -> None:
    service = unit(name)["Service"]
    assert int(service["WatchdogSec"]) > 0
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"].split() == ["2", "78"]


@pytest.mark.parametrize("name", SERVICES)
def test_compiled_kernels_are_kept_where_the_service_may_write(name: str) -> None:
    service = unit(name)["Service"]
    assert service["Environment"] == f"NUMBA_CACHE_DIR=%C/{service['CacheDirectory']}"


@needs_systemd
def test_systemd_finds_nothing_wrong_with_the_units(copies: Path) -> None:
    units = [str(path) for path in copies.iterdir()]
    assert len(units) == 3
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units],
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_systemd
@pytest.mark.parametrize("name", ["mediasrv.service", "mediasrv@1.service"])
def test_the_service_is_little_exposed(copies: Path, name: str) -> None:
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(copies / name)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MOST_EXPOSED


@pytest.mark.parametrize("flags", [(), ("--workers", "1")], ids=["alone", "supervised"])
async def test_systemd_is_told_of_readiness_reload_and_the_end_and_its_watchdog_is_fed(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    async def told(wanted: str) -> list[str]:
        """All that is told until one message begins with this."""
        said: list[str] = []
        async with asyncio.timeout(WAIT_S):
            while not (said and said[-1].startswith(wanted)):
                said.append((await asyncio.get_running_loop().sock_recv(listening, 4096)).decode())
        return said

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        async with serving(tmp_path, *flags, environment=environment) as server:
            assert await told("READY=1") == ["READY=1"]
            assert await server.get("/readyz") == (200, "ready\n")
            assert (await told("STATUS="))[0].endswith("\nWATCHDOG=1")
            phone = await server.phone("call-1")
            said = await told("STATUS=ready; 1 calls")
            assert all(each.endswith("\nWATCHDOG=1") for each in said)
            server.process.send_signal(signal.SIGHUP)
            await told("RELOADING=1\nMONOTONIC_USEC=")
            await told("READY=1")
            server.process.send_signal(signal.SIGTERM)
            await told("STOPPING=1")
            assert (await told("STATUS=draining"))[-1].endswith("\nWATCHDOG=1")
            await phone.hang_up()
            async with asyncio.timeout(WAIT_S):
                assert await server.process.wait() == 0


@pytest.mark.skipif(not shutil.which("systemd-socket-activate"), reason="no systemd on this machine")
@pytest.mark.parametrize("flags", [(), ("--workers", "1")], ids=["alone", "supervised"])
async def test_systemd_opens_the_port_and_who_calls_before_the_server_is_there_is_answered(
    tmp_path: Path, flags: tuple[str, ...]
) -> None:
    config, port = tmp_path / "mediasrv.toml", free_port()
    config.write_text(scripted())
    ours = (sys.executable, "-m", "mediasrv", "serve", "--config", str(config), *flags)
    names = [f"--setenv={name}" for name in os.environ if name.startswith(("PYTHON", "NUMBA", "CACHE"))]
    names.append(f"--setenv=TEST_API_TOKEN={API_TOKEN}")
    process = await asyncio.create_subprocess_exec(
        *("systemd-socket-activate", f"--listen=127.0.0.1:{port}", *names, *ours), stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(WAIT_S), aiohttp.ClientSession() as session:
            assert process.stderr is not None
            assert b"Listening on" in await process.stderr.readline()
            # It is this connection that starts the server.
            async with session.get(f"http://127.0.0.1:{port}/readyz") as response:
                assert (response.status, await response.text()) == (200, "ready\n")
            process.send_signal(signal.SIGTERM)
            _, said = await process.communicate()
        assert process.returncode == 0, said.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
