"""A fleet of processes: ``mediasrv serve`` several times, the shipped HAProxy configuration before them, a real Redis
between them, and lines that can be cut."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from tests.fleet.conftest import RedisServer
from tests.fleet.plivo import TOKEN, Caller, Plivo
from tests.patience import WAIT_S
from tests.test_haproxy import CONFIG, PROGRAM, free_port

ROOT = Path(__file__).parent.parent.parent
API_TOKEN = "a token that nobody guesses"
MAX_CALLS = 4
HOUR_S = 3600
START_WITHIN_S = 2 * WAIT_S
"""Several processes start at once, each of which imports all that a server needs."""
# A process whose wall clock is an hour fast, as far as Python asks for it.
_FAST = f"""
import datetime, runpy, sys, time
_time, _time_ns = time.time, time.time_ns
time.time, time.time_ns = (lambda: _time() + {HOUR_S}), (lambda: _time_ns() + {HOUR_S} * 10**9)
runpy.run_module("mediasrv", run_name="__main__", alter_sys=True)
"""
_SETTINGS = """
[server]
host = "{host}"
port = {port}
public_url = "http://{name}.voice.example.in:{entry}"
max_calls = {max_calls}
sheds_load = false
drain_s = 20
[plivo]
auth_token_env = "TEST_PLIVO_TOKEN"
[api]
token_env = "TEST_API_TOKEN"
[fleet]
redis_url = "redis://{redis}/0"
redis_within_ms = 2000
node = "{name}"
url = "http://voice.example.in:{entry}"
internal_url = "http://{host}:{port}"
secret_env = "TEST_FLEET_SECRET"
[agents.default]
class = "tests.fleet.agents:Answerer"
[agents.default.stt]
provider = "scripted"
[agents.default.llm]
provider = "scripted"
[agents.default.tts]
provider = "scripted"
"""
_SECRETS = {"TEST_PLIVO_TOKEN": TOKEN, "TEST_API_TOKEN": API_TOKEN, "TEST_FLEET_SECRET": "the fleet's own secret"}


class Line:
    """A TCP connection's way to a port, which can be cut: then whoever uses it waits, and nobody is told."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.port = 0
        self._to = (host, port)
        self._is_whole = asyncio.Event()
        self._is_whole.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(lambda *ends: self._spawn(self._carry(*ends)), host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        self._is_whole.clear()

    def mend(self) -> None:
        self._is_whole.set()

    async def aclose(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._is_whole.wait()
        try:
            to_reader, to_writer = await asyncio.open_connection(*self._to)
        except OSError:
            writer.transport.abort()
            return
        for way in ((reader, to_writer), (to_reader, writer)):
            self._spawn(self._pump(*way))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                await self._is_whole.wait()
                writer.write(piece)
                await writer.drain()
        writer.close()


class NodeProcess:
    """One server: it can be killed, told to drain, and started again."""

    def __init__(self, name: str, folder: Path, session: aiohttp.ClientSession, **settings: Any) -> None:
        self.name, self.host, self.port = name, settings["host"], settings["port"]
        self._config = folder / f"{name}.toml"
        self._config.write_text(_SETTINGS.format(name=name, **settings))
        self._session = session
        self._log = folder / f"{name}.log"
        self.launcher: Sequence[str] = (sys.executable, "-m", "mediasrv")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [*self.launcher, "serve", "--config", str(self._config)],
                stderr=log,
                cwd=ROOT,
                env=os.environ | _SECRETS,
            )

    def runs_fast(self) -> None:
        """Set its clock an hour ahead."""
        self.launcher = (sys.executable, "-c", _FAST)

    async def is_up(self) -> None:
        async with asyncio.timeout(START_WITHIN_S):
            while (await self.get("/readyz"))[0] != 200:
                assert self.process is not None
                assert self.process.poll() is None, self.log()
                await asyncio.sleep(0.05)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(WAIT_S)

    async def drained(self) -> int:
        """Wait for its end; how it ended."""
        assert self.process is not None
        return await asyncio.to_thread(self.process.wait, WAIT_S)

    def tell(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def log(self) -> str:
        return self._log.read_text()

    async def get(self, path: str, method: str = "GET", body: Any = None) -> tuple[int, str]:
        """Ask it itself; status 0 where nobody answers."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        try:
            async with self._session.request(
                method, f"http://{self.address}{path}", headers=headers, json=body
            ) as response:
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""

    async def figure(self, name: str) -> float:
        _, text = await self.get("/metrics")
        rows = (row.rpartition(" ") for row in text.splitlines() if not row.startswith("#"))
        return {row[0]: float(row[2]) for row in rows}.get(name, 0.0)


class Fleet:
    """All of it."""

    def __init__(
        self, nodes: dict[str, NodeProcess], redis: RedisServer, plivo: Plivo, lines: Mapping[str, Line]
    ) -> None:
        self.nodes, self.redis, self.plivo, self.lines = nodes, redis, plivo, lines
        self._count = 0

    def caller(self) -> Caller:
        self._count += 1
        return Caller(self.plivo, f"call-{self._count}-{id(self)}")

    async def callers(self, count: int) -> list[Caller]:
        """So many calls, on which the bot is heard."""
        callers = [self.caller() for _ in range(count)]
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*(each.dial() for each in callers))
        return callers

    async def are_over(self, callers: Collection[Caller]) -> None:
        """Have them all hang up, and wait until all slots are free again, and all nodes reached."""
        async with asyncio.timeout(WAIT_S):
            await asyncio.gather(*(each.hang_up() for each in callers))
        await self.counts(dict.fromkeys(self.nodes, 0))
        await self.is_open()

    async def is_open(self) -> None:
        """Wait until HAProxy has seen that all nodes are there."""
        async with asyncio.timeout(WAIT_S):
            for host in ("voice", *(f"{name}.voice" for name in self.nodes)):
                url, headers = f"http://{self.plivo.address}/readyz", {"Host": f"{host}.example.in"}
                while True:
                    async with self.plivo.session.get(url, headers=headers) as response:
                        if response.status == 200:
                            break
                    await asyncio.sleep(0.05)

    async def counts(self, wanted: Mapping[str, int]) -> None:
        """Wait until the registry has so many calls at each node, live or waited for."""
        taken: dict[str, int] = {}
        async with asyncio.timeout(WAIT_S):
            while taken != wanted:
                taken = {name: await self.taken(name) for name in wanted}
                await asyncio.sleep(0.05)

    async def taken(self, node: str) -> int:
        """Slots of a node that the registry knows to be taken; -1 where it does not know the node."""
        known = await self._redis("EXISTS", f"mediasrv:node:{node}")
        live = await self._redis("SCARD", f"mediasrv:node:{node}:calls")
        return live + await self._redis("ZCARD", f"mediasrv:node:{node}:reserved") if known else -1

    async def _redis(self, *command: str) -> int:
        """Ask Redis for a number."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.redis.port)
            writer.write(f"{' '.join(command)}\r\n".encode())
            line = await reader.readline()
            writer.close()
        except OSError:
            return -1
        return int(line[1:]) if line.startswith(b":") else -1


def with_more_servers(text: str, names: Collection[str]) -> str:
    """The shipped configuration with further servers, each a copy of what it says of the second."""
    lines, block = [], re.search(r"\nbackend server_b\n(?:.+\n)+", text)
    assert block is not None
    for line in text.replace(block[0], "").splitlines():
        lines.append(line)
        if re.search(r"\bb\b|_B\b|server_b", line) and not line.startswith("#"):
            lines += [_renamed(line, name) for name in names]
    return "\n".join([*lines, block[0], *(_renamed(block[0], name) for name in names)]) + "\n"


def _renamed(line: str, name: str) -> str:
    return re.sub(r"_B\b", f"_{name.upper()}", re.sub(r"\bb\b", name, line.replace("server_b", f"server_{name}")))


@dataclass(frozen=True)
class Site:
    """Where a node is."""

    host: str = "127.0.0.1"
    enter: Sequence[str] = ()
    """What starts a program there."""
    redis_host: str = "127.0.0.1"
    """Where Redis is, seen from there."""


@asynccontextmanager
async def fleet(folder: Path, sites: Mapping[str, Site], fast: str = "") -> AsyncIterator[Fleet]:
    """Nodes at their sites; ``fast`` is the one whose clock is an hour ahead."""
    assert PROGRAM is not None
    async with AsyncExitStack() as stack:
        # As with carriers, a stream has a connection to itself from its first byte.
        connector = aiohttp.TCPConnector(force_close=True)
        session = await stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        redis = RedisServer(folder)
        stack.callback(redis.stop)
        await redis.start()
        entry, lines = free_port(), dict[str, Line]()
        nodes: dict[str, NodeProcess] = {}
        environment = {"MEDIASRV_BIND": f"127.0.0.1:{entry}"}
        for name, site in sites.items():
            port = free_port()
            ways = {f"{name} to redis": (site.redis_host, Line(redis.port))}
            ways[f"haproxy to {name}"] = ("127.0.0.1", Line(port, site.host))
            for line, (host, way) in ways.items():
                lines[line] = way
                await way.start(host)
                stack.push_async_callback(way.aclose)
            link = f"{site.redis_host}:{lines[f'{name} to redis'].port}"
            node = nodes[name] = NodeProcess(
                name, folder, session, host=site.host, port=port, entry=entry, max_calls=MAX_CALLS, redis=link
            )
            node.launcher = (*site.enter, *node.launcher)
            if name == fast:
                node.runs_fast()
            node.start()
            stack.callback(node.kill)
            is_here = site == Site()
            address = f"127.0.0.1:{lines[f'haproxy to {name}'].port}" if is_here else node.address
            environment[f"MEDIASRV_{name.upper()}"] = address
        config = folder / "haproxy.cfg"
        config.write_text(with_more_servers(CONFIG.read_text(), list(sites)[2:]))
        proxy = subprocess.Popen(  # noqa: ASYNC220
            [PROGRAM, "-db", "-f", str(config)], env=os.environ | environment, stderr=subprocess.DEVNULL
        )
        stack.callback(proxy.wait)
        stack.callback(proxy.kill)
        plivo = Plivo(session, f"127.0.0.1:{entry}", f"http://voice.example.in:{entry}")
        await asyncio.gather(*(node.is_up() for node in nodes.values()))
        there = Fleet(nodes, redis, plivo, lines)
        await there.counts(dict.fromkeys(sites, 0))
        await there.is_open()
        yield there


def has_programs() -> bool:
    """Whether this machine has what a fleet needs."""
    return PROGRAM is not None and shutil.which("redis-server") is not None
