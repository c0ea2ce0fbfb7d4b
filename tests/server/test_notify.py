from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasrv.server.notify import Notifier
from tests.patience import WAIT_S


@pytest.fixture(params=["file", "abstract"])
def systemd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The socket that systemd listens on, and its name as the variable has it."""
    name = str(tmp_path / "notify") if request.param == "file" else f"@mediasrv-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(name.replace("@", "\0") if name.startswith("@") else name)
        listening.setblocking(False)
        yield listening, name


async def told(listening: socket.socket) -> list[str]:
    async with asyncio.timeout(WAIT_S):
        return (await asyncio.get_running_loop().sock_recv(listening, 4096)).decode().splitlines()


async def test_readiness_status_and_the_end_are_told(systemd: tuple[socket.socket, str]) -> None:
    listening, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name})
    notifier.ready(lambda: "ready; 3 calls")
    assert await told(listening) == ["READY=1"]
    assert await told(listening) == ["STATUS=ready; 3 calls"]
    notifier.reloading()
    first, second = await told(listening)
    assert first == "RELOADING=1"
    assert second.startswith("MONOTONIC_USEC=")
    notifier.stopping()
    assert await told(listening) == ["STOPPING=1"]
    notifier.close()
    notifier.close()
    notifier.stopping()
    with pytest.raises(BlockingIOError):
        listening.recv(100)


async def test_the_watchdog_is_fed_thrice_within_its_time_as_long_as_the_loop_turns(
    systemd: tuple[socket.socket, str],
) -> None:
    listening, name = systemd
    environ = {"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "150000", "WATCHDOG_PID": str(os.getpid())}
    notifier = Notifier(environ)
    notifier.ready(lambda: "fine")
    assert await told(listening) == ["READY=1"]
    for _ in range(4):
        assert await told(listening) == ["STATUS=fine", "WATCHDOG=1"]
    notifier.close()


async def test_a_loop_that_stands_still_starves_the_watchdog(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000"})
        notifier.ready(lambda: "fine")
        assert [(await told(listening))[0] for _ in range(3)] == ["READY=1", "STATUS=fine", "STATUS=fine"]
        time.sleep(0.1)  # noqa: ASYNC251
        with pytest.raises(BlockingIOError):
            listening.recv(100)
        notifier.close()


async def test_a_watchdog_for_another_process_is_not_fed(systemd: tuple[socket.socket, str]) -> None:
    listening, name = systemd
    notifier = Notifier({"NOTIFY_SOCKET": name, "WATCHDOG_USEC": "150000", "WATCHDOG_PID": "1"})
    notifier.ready(lambda: "fine")
    assert [await told(listening), await told(listening)] == [["READY=1"], ["STATUS=fine"]]
    notifier.close()


async def test_without_systemd_and_without_its_ear_nothing_happens(tmp_path: Path) -> None:
    for environ in ({}, {"NOTIFY_SOCKET": str(tmp_path / "nobody")}):
        notifier = Notifier(environ)
        notifier.ready(lambda: "fine")
        notifier.stopping()
        notifier.close()
