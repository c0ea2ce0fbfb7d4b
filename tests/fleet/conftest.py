"""A real Redis for each test that asks for one, on a free port, ended with it."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mediasrv.fleet.options import FleetOptions
from tests.patience import WAIT_S

UNHURRIED_MS = 10_000
"""A machine that is busy is no dead one."""
PROGRAM = shutil.which("redis-server")


class RedisServer:
    """A process that can be stopped, frozen and started again, on one port."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self._folder = folder
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    async def start(self) -> None:
        self._spawn()
        async with asyncio.timeout(WAIT_S):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    return

    def _spawn(self) -> None:
        assert PROGRAM is not None
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            [PROGRAM, *arguments, "--dir", str(self._folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def tell(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(WAIT_S)
            self.process = None


@pytest.fixture
async def redis(tmp_path: Path) -> AsyncIterator[RedisServer]:
    if PROGRAM is None:
        pytest.skip("needs redis-server: apt-get install redis-server")
    server = RedisServer(tmp_path)
    await server.start()
    yield server
    server.stop()


def options_of(redis: RedisServer, node: str, **changes: Any) -> FleetOptions:
    """A node of the fleet that meets there, and is in no hurry."""
    settings: dict[str, Any] = {
        "url": "https://voice.example.in",
        "internal_url": f"http://{node}:8080",
        "secret": "s3cret",
        "redis_within_ms": UNHURRIED_MS,
    }
    return FleetOptions(redis_url=redis.url, node=node, **(settings | changes))
