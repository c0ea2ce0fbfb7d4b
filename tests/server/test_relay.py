"""Workers that speak TLS, in this process, and a lobby before them that cannot see what it hands over."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from mediasrv.net.certificate import Certificate
from mediasrv.net.websocket import connect
from mediasrv.server.leash import Leash, leash
from mediasrv.server.lobby import Lobby
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.server.steering import Steering
from mediasrv.server.worker import Tether
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.certificates import write
from tests.net.peers import Ears, stranger
from tests.patience import WAIT_S, until
from tests.server.stage import STREAM, UNSIGNED, EchoAgency, Phone

FORM = b"CallUUID=call-1&From=1&To=2"


class House:
    """Two workers and the door before them."""

    def __init__(self, folder: Path, door: socket.socket) -> None:
        files = write(folder, datetime.now(UTC), 30)
        self.trusting = ssl.create_default_context(cafile=str(files.certificate))
        self.certificate = Certificate(files.certificate, files.key, datetime.now(UTC))
        self.port = int(door.getsockname()[1])
        self.url = f"https://127.0.0.1:{self.port}"
        self.steering = Steering()
        self.lobby = Lobby(self.steering, self.hand, {}, is_sealed=True)
        self.workers: list[Service] = []
        self.leashes: list[Leash] = []

    def hand(self, worker: int, connection: socket.socket, lost: Sequence[str], is_sealed: bool) -> bool:
        message = {"kind": "new", "lost": lost, "is_sealed": is_sealed}
        return self.leashes[worker].send(message, connection)

    async def add(self) -> None:
        ours, theirs = leash()
        self.leashes.append(Leash(ours, lambda _, connection: self.hear(connection), lambda: None))
        options = ServerOptions(public_url="https://127.0.0.1", sheds_load=False)
        worker = Service(options, UNSIGNED, EchoAgency(), port=Tether(theirs, tls=self.certificate.context))
        await worker.start()
        self.workers.append(worker)

    def hear(self, connection: socket.socket | None) -> None:
        if connection is not None:
            self.lobby.bring_back(connection)

    def prefer(self, worker: int) -> None:
        """Have what could go anywhere go there."""
        now = asyncio.get_running_loop().time()
        for number in range(len(self.workers)):
            self.steering.tell(number, 100 * (number != worker), "", now)

    def live(self) -> list[int]:
        return [worker._calls.live for worker in self.workers]

    async def post(self, body: bytes = FORM) -> tuple[int, str]:
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.trusting)) as session,
            session.post(
                f"{self.url}/plivo/callback/status",
                data=body + b"&Event=Hangup",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                timeout=aiohttp.ClientTimeout(total=WAIT_S),
            ) as response,
        ):
            return response.status, await response.text()


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    with socket.create_server(("127.0.0.1", 0)) as door:
        there = House(folder, door)
        for number in range(2):
            there.steering.join(number)
            await there.add()
        there.lobby.open([door])
        try:
            yield there
        finally:
            there.lobby.close()
            for worker in there.workers:
                await worker.aclose()
            for each in there.leashes:
                each.close()


async def test_a_stream_stays_where_it_came_and_a_word_about_its_call_is_brought_there(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(1)
        url = f"wss://127.0.0.1:{there.port}{STREAM}?call=call-1"
        phone = Phone(Ears(await connect(url, ssl=there.trusting)), PlivoCarrierProtocol())
        phone.start("call-1")
        await phone.echo()
        assert there.live() == [0, 1]
        there.steering.begin(1, "call-1")
        there.prefer(0)
        assert await there.post() == (200, "ok\n")
        assert (await phone.end())[0] == 1000


async def test_a_long_body_comes_whole_and_one_too_long_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        assert await there.post(FORM + b"&x=" + b"y" * 60_000) == (200, "ok\n")
        assert (await there.post(FORM + b"&x=" + b"y" * 300_000))[0] == 413


async def test_who_leaves_in_the_middle_and_who_does_not_speak_tls_cost_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        _, writer = await asyncio.open_connection("127.0.0.1", there.port, ssl=there.trusting)
        writer.write(b"POST /plivo/callback/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        await until(lambda: there.lobby._visitors)
        writer.transport.abort()
        await until(lambda: not there.lobby._visitors)
        for sent in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
            async with stranger(there.port) as peer:
                peer.writer.write(sent)
                assert b"alive" not in await peer.rest()
        assert await there.post() == (200, "ok\n")
        assert not any(worker._crowd.waiting for worker in there.workers)


async def test_a_request_that_nobody_looks_at_ends(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port, ssl=there.trusting)
        await until(lambda: there.workers[0]._crowd.waiting)
        there.leashes[0].close()
        await until(lambda: there.workers[0]._stopping.is_set())
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()


async def test_a_thousand_who_never_finish_the_handshake_keep_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mediasrv.server.worker.HANDSHAKE_WITHIN_S", 1.0)
    async with house(tmp_path) as there:
        strangers = []
        for number in range(1000):
            there.prefer(number % 2)
            reader, writer = await asyncio.open_connection("127.0.0.1", there.port)
            strangers.append((reader, writer))
            if number % 2:
                # Half of them begin with it.
                writer.write(b"\x16\x03\x01\x02\x00\x01")
        there.prefer(0)
        assert await there.post() == (200, "ok\n")
        for _, writer in strangers:
            writer.close()
        await until(lambda: not there.lobby._visitors)
