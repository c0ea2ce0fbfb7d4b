"""A deploy by hand-over: two servers share a socket, and the first one leaves, while calls come and go."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.patience import WAIT_S
from tests.test_workers import Server, serving

pytestmark = [pytest.mark.long, pytest.mark.alone, pytest.mark.timeout(3 * WAIT_S)]

# The descriptor becomes the first that systemd would pass, and the process is told so in its own name.
ACTIVATE = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "mediasrv", "serve", *sys.argv[2:]])
"""


@asynccontextmanager
async def activated(folder: Path, listening: socket.socket, *flags: str) -> AsyncIterator[Server]:
    fd = listening.fileno()
    async with serving(folder, *flags, program=("-c", ACTIVATE, str(fd)), pass_fds=(fd,)) as server:
        yield server


@pytest.mark.parametrize(("flags", "count"), [((), 100), (("--workers", "1"), 4)], ids=["alone", "supervised"])
async def test_a_server_hands_over_without_a_call_that_breaks_or_is_refused(
    tmp_path: Path, flags: tuple[str, ...], count: int
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        async with activated(tmp_path, listening, *flags) as old:
            lasting = await asyncio.gather(*(old.phone(f"lasting-{number}") for number in range(count)))
            refused: list[str] = []
            left = asyncio.Event()

            async def call_on() -> int:
                count = 0
                while not left.is_set():
                    document = await old.answer(f"short-{count}")
                    if "<Stream" not in document:
                        refused.append(document)
                    phone = await old.phone(f"short-{count}")
                    await phone.hang_up()
                    count += 1
                return count

            calling = asyncio.create_task(call_on())
            async with activated(tmp_path, listening, *flags) as new:
                old.process.send_signal(signal.SIGTERM)
                await old.until_said("draining")
                await asyncio.sleep(2)
                assert old.process.returncode is None
                assert all(phone.ears.websocket.is_open for phone in lasting)
                for phone in lasting:
                    await phone.hang_up()
                async with asyncio.timeout(WAIT_S):
                    assert await old.process.wait() == 0
                await new.phone("late")
                left.set()
                assert await calling > 5
                assert refused == []
                assert "worker died" not in "".join(old.lines + new.lines)
