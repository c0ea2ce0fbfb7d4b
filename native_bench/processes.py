"""The processes of a measurement: on which cores they run, how they are started, watched and ended."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from mediasrv.errors import MediasrvError
from native_bench.standins.base import HOST

READY_LIMIT_S = 90.0
_STOP_LIMIT_S = 10.0
_ANSWER_LIMIT_S = 5.0
_POLL_S = 0.005


class ServerDied(MediasrvError):
    """The server, or what it talks to, is not there any more, or never was."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Cores for the server, and for all that only measures it."""

    server: frozenset[int]
    rest: frozenset[int]

    @property
    def is_shared(self) -> bool:
        """Whether there is but one core, for both."""
        return self.server == self.rest

    def __str__(self) -> str:
        names = ["+".join(map(str, sorted(cores))) for cores in (self.server, self.rest)]
        return f"server on core {names[0]}, callers and stand-ins on {names[1]}"


def placement() -> Placement:
    """One core for the server, the last that we may use; the others for the rest."""
    cores = sorted(os.sched_getaffinity(0))
    return Placement(frozenset(cores[-1:]), frozenset(cores[:-1] or cores))


@asynccontextmanager
async def running(
    *arguments: str,
    cores: Collection[int] = (),
    stdout: int | None = asyncio.subprocess.DEVNULL,
    stderr: int | None = None,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a Python with arguments, on these cores, and end it with the block: kindly first."""
    before = os.sched_getaffinity(0)
    # A child has its parent's cores from its first instruction on, and so has each thread that it makes.
    os.sched_setaffinity(0, cores or before)
    try:
        process = await asyncio.create_subprocess_exec(
            python,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            env=None if environment is None else {**os.environ, **environment},
        )
    finally:
        os.sched_setaffinity(0, before)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_LIMIT_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def first_line(process: asyncio.subprocess.Process, log: Path) -> str:
    """What a stand-in says when it is ready: where it is."""
    assert process.stdout is not None
    line = await asyncio.wait_for(process.stdout.readline(), READY_LIMIT_S)
    if not line:
        raise ServerDied(f"a stand-in did not start; it said: {last_line(log)}")
    return line.decode().strip()


async def until_ready(origin: str, server: asyncio.subprocess.Process, log: Path) -> None:
    """Wait for ``/readyz``; raise ``ServerDied`` when the server ends before, or is never ready."""
    await until_well(f"{origin}/readyz", server, log)


async def until_well(url: str, server: asyncio.subprocess.Process, log: Path) -> None:
    """Wait until there is a 200 to be had; raise ``ServerDied`` as above."""
    # Whoever takes the connection and says nothing is asked again.
    patience = aiohttp.ClientTimeout(total=_ANSWER_LIMIT_S)
    async with aiohttp.ClientSession(timeout=patience) as session:
        until = asyncio.get_running_loop().time() + READY_LIMIT_S
        while asyncio.get_running_loop().time() < until:
            if server.returncode is not None:
                raise ServerDied(f"the server did not start; it said: {last_line(log)}")
            try:
                async with session.get(url) as response:
                    if response.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(_POLL_S)
    raise ServerDied(f"the server was not ready within {READY_LIMIT_S:.0f} s")


def last_line(log: Path) -> str:
    """The last that a process said."""
    return (log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]


def free_port() -> int:
    """A port that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
