"""The HAProxy configuration in ``systemd/``, run by a real HAProxy before real servers."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.wire.events import PlayMedia
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.patience import WAIT_S
from tests.server.stage import FRAME, STREAM, UNSIGNED, EchoAgency

CONFIG = Path(__file__).parent.parent / "systemd" / "haproxy.cfg"
PROGRAM = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


@pytest.fixture(scope="module", autouse=True)
def _needs_haproxy() -> None:
    if PROGRAM is None:
        pytest.skip("needs haproxy: apt-get install haproxy")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def haproxy(bind: int, a: int, b: int, config: Path = CONFIG) -> Iterator[subprocess.Popen[bytes]]:
    assert PROGRAM is not None
    addresses = {"MEDIASRV_BIND": bind, "MEDIASRV_A": a, "MEDIASRV_B": b}
    environ = os.environ | {name: f"127.0.0.1:{port}" for name, port in addresses.items()}
    process = subprocess.Popen([PROGRAM, "-db", "-f", str(config)], env=environ, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(WAIT_S)


@dataclass
class Before:
    """Two servers and who stands before them."""

    a: Service
    b: Service
    port: int
    session: aiohttp.ClientSession

    async def get(self, path: str, host: str = "voice.example.in") -> int:
        url = f"http://127.0.0.1:{self.port}{path}"
        async with self.session.get(url, headers={"Host": host}) as response:
            await response.read()
            return response.status

    async def answered_by(self, call_id: str) -> str:
        """Ask the fleet for a call's document; the name of who gave it."""
        before = self.a._calls._admission.occupied(0.0)
        form = {"CallUUID": call_id, "From": "1", "To": "2"}
        url = f"http://127.0.0.1:{self.port}/plivo/answer"
        async with self.session.post(url, data=form, headers={"Host": "voice.example.in"}) as response:
            assert response.status == 200
        return "a" if self.a._calls._admission.occupied(0.0) > before else "b"

    @asynccontextmanager
    async def stream(self, host: str, call_id: str) -> AsyncIterator[Stream]:
        """Open a stream at one server's own address."""
        url = f"http://127.0.0.1:{self.port}{STREAM}?call={quote(call_id)}"
        async with self.session.ws_connect(url, headers={"Host": host}) as websocket:
            stream = Stream(websocket, PlivoCarrierProtocol())
            await websocket.send_str(stream.side.start(call_id, f"stream of {call_id}", MULAW_8K))
            yield stream


@dataclass
class Stream:
    """Plivo's end of one."""

    websocket: aiohttp.ClientWebSocketResponse
    side: PlivoCarrierProtocol

    async def echo(self) -> None:
        await self.websocket.send_str(self.side.media(FRAME, 0))
        assert self.side.receive(await self.websocket.receive_str(timeout=WAIT_S)) == PlayMedia(FRAME)


@asynccontextmanager
async def standing(config: Path = CONFIG) -> AsyncIterator[Before]:
    services = [Service(ServerOptions(port=0, sheds_load=False), UNSIGNED, EchoAgency()) for _ in "ab"]
    for each in services:
        await each.start()
    port = free_port()
    timeout = aiohttp.ClientTimeout(total=WAIT_S)
    with haproxy(port, services[0].port, services[1].port, config):
        async with aiohttp.ClientSession(timeout=timeout) as session:
            there = Before(services[0], services[1], port, session)
            await up(there, "voice.example.in")
            yield there
    for each in services:
        await each.aclose()


@pytest.fixture
async def before() -> AsyncIterator[Before]:
    async with standing() as there:
        yield there


async def up(there: Before, host: str, status: int = 200) -> None:
    """Wait until an address answers like this."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                if await there.get("/readyz", host) == status:
                    return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


def test_the_configuration_is_what_haproxy_takes() -> None:
    assert PROGRAM is not None
    checked = subprocess.run(
        [PROGRAM, "-c", "-f", str(CONFIG)], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr


async def test_new_calls_are_shared_and_a_stream_reaches_its_own_server(before: Before) -> None:
    answered = Counter([await before.answered_by(f"call-{number}") for number in range(10)])
    assert set(answered) == {"a", "b"}
    for host, service in (("a.voice.example.in", before.a), ("b.voice.example.in", before.b)):
        async with before.stream(host, f"live at {host}") as stream:
            await stream.echo()
            assert service._calls.is_live(f"live at {host}")


async def test_a_stream_may_follow_a_request_on_one_connection(before: Before) -> None:
    host = "a.voice.example.in"
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as before.session:
        assert await before.get("/healthz", host) == 200
        async with before.stream(host, "call-1") as stream:
            await stream.echo()


async def test_a_silent_stream_outlives_what_a_silent_request_may_take(tmp_path: Path) -> None:
    hasty = tmp_path / "haproxy.cfg"
    shipped = CONFIG.read_text()
    assert shipped.count("75s") == 2
    hasty.write_text(shipped.replace("75s", "500ms"))
    async with standing(hasty) as before, before.stream("a.voice.example.in", "call-1") as stream:
        await stream.echo()
        await asyncio.sleep(1.5)
        await stream.echo()


async def test_a_server_that_drains_gets_its_own_calls_and_no_new_ones(before: Before) -> None:
    assert before.a._calls.expect("expected", "1", "2")
    running = asyncio.create_task(before.a.run())
    before.a.stop()
    # HAProxy looks once a second.
    await asyncio.sleep(3)
    assert {await before.answered_by(f"call-{number}") for number in range(6)} == {"b"}
    async with before.stream("a.voice.example.in", "expected") as stream:
        await stream.echo()
    await asyncio.wait_for(running, WAIT_S)


async def test_a_server_that_is_gone_is_passed_over(before: Before) -> None:
    await before.a.aclose()
    async with asyncio.timeout(WAIT_S):
        for number in range(6):
            assert await before.answered_by(f"call-{number}") == "b"
    with pytest.raises(aiohttp.WSServerHandshakeError):
        async with before.stream("a.voice.example.in", "call-x"):
            pass


async def test_what_is_for_the_inside_is_not_served_outside(before: Before) -> None:
    for path in ("/metrics", "/calls", "/calls/1", "/console", "/openapi.json"):
        assert await before.get(path) == 404
