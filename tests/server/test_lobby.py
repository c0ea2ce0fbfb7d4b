from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest

from mediasrv.server import crowd, lobby
from mediasrv.server.lobby import Lobby
from mediasrv.server.steering import Steering
from tests.patience import WAIT_S

WEBHOOK = b"POST /plivo/answer HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nCallUUID=a"


class House:
    """A lobby on a free port, and workers who keep what they are handed."""

    def __init__(self, port: int, steering: Steering) -> None:
        self.port, self.steering = port, steering
        self.handed: asyncio.Queue[tuple[int, bytes]] = asyncio.Queue()
        self.busy: set[int] = set()

    def hand(self, worker: int, connection: socket.socket, lost: Sequence[str], is_sealed: bool) -> bool:
        if worker in self.busy:
            return False
        self.handed.put_nowait((worker, connection.recv(65536)))
        return True

    async def send(self, *pieces: bytes, pause_s: float = 0.02) -> asyncio.StreamReader:
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        for piece in pieces:
            self.writer.write(piece)
            await asyncio.sleep(pause_s)
        return reader

    async def next(self) -> tuple[int, bytes]:
        return await asyncio.wait_for(self.handed.get(), WAIT_S)


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    async def ready() -> tuple[HTTPStatus, str]:
        return HTTPStatus.OK, "réady\n"

    steering = Steering()
    for worker in (1, 2):
        steering.join(worker)
        steering.tell(worker, worker, "", asyncio.get_running_loop().time())
    with socket.create_server(("127.0.0.1", 0)) as door:
        there = House(door.getsockname()[1], steering)
        here = Lobby(steering, there.hand, {b"/readyz": ready})
        here.open([door])
        yield there
        here.close()
        here.close()


async def test_a_connection_goes_to_a_worker_with_all_that_was_sent() -> None:
    async with house() as there:
        await there.send(WEBHOOK)
        assert await there.next() == (1, WEBHOOK)


async def test_a_request_in_pieces_is_waited_for_and_its_call_is_known() -> None:
    async with house() as there:
        await there.send(WEBHOOK)
        assert (await there.next())[0] == 1
        there.steering.tell(1, 99, "", asyncio.get_running_loop().time())
        await there.send(WEBHOOK[:9], WEBHOOK[9:60], WEBHOOK[60:])
        assert await there.next() == (1, WEBHOOK)


async def test_what_never_gets_whole_goes_to_a_worker_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "WHOLE_WITHIN_S", 0.05)
    async with house() as there:
        await there.send(WEBHOOK[:30])
        assert await there.next() == (1, WEBHOOK[:30])


async def test_who_says_nothing_is_sent_away_and_who_leaves_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lobby, "HEAD_WITHIN_S", 0.05)
    async with house() as there:
        reader = await there.send()
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        await there.send()
        there.writer.close()
        await there.send(WEBHOOK[:9])
        there.writer.close()
        await asyncio.sleep(0.05)
        assert there.handed.empty()


async def test_what_is_asked_of_all_is_answered_here() -> None:
    async with house() as there:
        reader = await there.send(b"GET /readyz?x=1 HTTP/1.1\r\nHost: h\r\n\r\n")
        head, _, body = (await asyncio.wait_for(reader.read(), WAIT_S)).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b"Content-Length: 7\r\nConnection: close" in head
        assert body.decode() == "réady\n"
        await there.send(b"POST /readyz HTTP/1.1\r\nHost: h\r\n\r\n")
        assert (await there.next())[0] == 1


async def test_a_worker_who_takes_nothing_is_passed_over_and_without_any_there_is_an_answer() -> None:
    async with house() as there:
        there.busy = {1}
        await there.send(WEBHOOK)
        assert await there.next() == (2, WEBHOOK)
        there.busy = {1, 2}
        reader = await there.send(WEBHOOK)
        assert (await asyncio.wait_for(reader.read(), WAIT_S)).startswith(b"HTTP/1.1 503 Service Unavailable\r\n")


async def test_without_a_descriptor_it_takes_a_breath_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    class Door:
        """A socket that fails once."""

        def __init__(self, door: socket.socket) -> None:
            self.door, self.fails = door, True

        def __getattr__(self, name: str) -> object:
            return getattr(self.door, name)

        def accept(self) -> object:
            if self.fails:
                self.fails = False
                raise OSError(24, "Too many open files")
            return self.door.accept()

    steering = Steering()
    steering.join(1)
    steering.tell(1, 0, "", asyncio.get_running_loop().time())
    with socket.create_server(("127.0.0.1", 0)) as door:
        there = House(door.getsockname()[1], steering)
        here = Lobby(steering, there.hand, {})
        here.open([Door(door)])  # type: ignore[list-item]
        await there.send(WEBHOOK)
        assert await there.next() == (1, WEBHOOK)
        here.close()
    assert "cannot accept connections" in caplog.text


async def test_where_too_many_wait_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_WAITING", 2)
    async with house() as there:
        oldest = await there.send()
        await there.send()
        await there.send()
        assert await asyncio.wait_for(oldest.read(), WAIT_S) == b""
        await there.send(WEBHOOK)
        assert (await there.next())[0] == 1
