"""What a message costs on its way from the socket through the wire protocol and back: ``python -m native_bench.wire``.

A server in a process of its own echoes a caller's audio; a bare TCP client, in this process, sends one frame to each of
its connections and waits for all the echoes. Four servers, on uvloop, take turns in the same run:

    media door        mediasrv's whole server: front door, registry, Plivo protocol, echo
    ready-made        the asyncio server of ``websockets`` with the same protocol and echo, compression off
    our WebSocket     the WebSocket of the media door alone, echoing the text
    ready-made text   the ready-made server alone, likewise

CPU is the server's own time, all threads; the round trip holds the client's too. A ready-made server that is given the
same work is the fair comparison: the difference is the cost of tasks, futures and queues between socket and protocol.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import multiprocessing
import os
import socket
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import uvloop
from websockets.asyncio.server import ServerConnection, serve

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.call import Call
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.figures import Figures
from mediasrv.call.levels import Levels
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.observer import Observer
from mediasrv.carriers.options import PlivoOptions
from mediasrv.net.websocket import Limits, ServerHandshake
from mediasrv.server import door
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.turn.callee import Kind
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.events import Event, MediaReceived, PlayMedia, StreamStarted, StreamStopped
from mediasrv.wire.plivo import PlivoProtocol
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from native_bench.machine import described

MESSAGES = 20_000
"""Messages of a measurement, after a tenth of them to warm up."""
PAYLOAD = bytes(range(160))


class EchoCall:
    """Repeats what it hears."""

    patience = 1

    def __init__(self, link: Link) -> None:
        self._link = link
        self.figures = Figures(Ear(MULAW_8K, Effort(Observer())), PlayoutLedger(MULAW_8K), Outcomes())
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def receive(self, event: Event, came_s: float | None = None) -> None:
        if isinstance(event, MediaReceived):
            self._link.send(PlayMedia(event.payload))
        elif isinstance(event, StreamStopped) and not self._ended.done():
            self._ended.set_result("caller hung up")

    def callee_is(self, kind: Kind) -> None: ...

    def instruct(self, work: Callable[[Call], Coroutine[Any, Any, None]]) -> bool:
        return False

    def watch(self) -> Levels:
        return Levels(MULAW_8K)

    def unwatch(self) -> None: ...

    def end(self, cause: str) -> None:
        if not self._ended.done():
            self._ended.set_result(cause)

    async def run(self) -> str:
        return await self._ended


class EchoAgency:
    """Opens echo calls."""

    names: Collection[str] = ("default",)
    forwards: Mapping[str, str] = {}  # nobody writes into it

    def __init__(self) -> None:
        self.effort = Effort(Observer())

    def take_least_lead(self) -> float:
        return math.inf

    async def start(self) -> None: ...

    async def aclose(self) -> None: ...

    async def prepare(self, agent_name: str) -> None: ...

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> EchoCall:
        return EchoCall(link)


async def media_door() -> int:
    # Here carriers speak as fast as they can, which elsewhere is a flood.
    setattr(door, "STREAM_LIMITS", Limits())  # noqa: B010
    service = Service(ServerOptions(port=0, max_calls=10_000), PlivoOptions(verify_signatures=False), EchoAgency())
    await service.start()
    return service.port


async def ready_made() -> int:
    async def converse(connection: ServerConnection) -> None:
        wire = PlivoProtocol()
        async for message in connection:
            for event in wire.receive(message):
                if isinstance(event, MediaReceived):
                    for answer in wire.send(PlayMedia(event.payload)):
                        await connection.send(answer)

    return await _ready_made(converse)


async def ready_made_text() -> int:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    return await _ready_made(echo)


async def _ready_made(converse: Callable[[ServerConnection], Awaitable[None]]) -> int:
    server = await serve(converse, "127.0.0.1", 0, compression=None)
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


class _Porch(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        websocket = ServerHandshake(self._transport, data).accept()  # type: ignore[arg-type]
        websocket.listen(websocket.send, lambda code, reason: None)


async def our_websocket() -> int:
    server = await asyncio.get_running_loop().create_server(_Porch, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    return port


SERVERS: dict[str, tuple[Callable[[], Awaitable[int]], bool]] = {
    "media door": (media_door, True),
    "ready-made": (ready_made, True),
    "our WebSocket": (our_websocket, False),
    "ready-made text": (ready_made_text, False),
}
"""How each is started, and whether it wants a ``start`` message first."""


def _run(name: str, orders: Connection) -> None:
    """The server's process: tell the port, then the CPU time whenever asked, until the other end is closed."""

    async def live() -> None:
        orders.send(await SERVERS[name][0]())
        over = asyncio.Event()

        def obey() -> None:
            try:
                orders.recv()
                orders.send(time.process_time())
            except EOFError:
                over.set()

        asyncio.get_running_loop().add_reader(orders.fileno(), obey)
        await over.wait()
        os._exit(0)

    uvloop.run(live())


def _frame(text: str) -> bytes:
    """A client's text frame with a mask of zeros, which costs the server no less to take off."""
    payload = text.encode()
    assert 126 <= len(payload) < 65536
    return b"\x81\xfe" + len(payload).to_bytes(2, "big") + b"\0\0\0\0" + payload


class Caller:
    """A bare TCP client with one call."""

    def __init__(self, port: int, number: int, *, starts: bool) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(
            b"GET /plivo/stream HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        assert self._socket.recv(4096).startswith(b"HTTP/1.1 101")
        side = PlivoCarrierProtocol()
        start = side.start(f"call-{number}", f"stream-{number}", MULAW_8K)
        if starts:
            self._socket.sendall(_frame(start))
        self._media = _frame(side.media(PAYLOAD, 1_764_000_000_000))

    def speak(self) -> None:
        self._socket.sendall(self._media)

    def hear(self) -> None:
        """Read one whole echo."""
        echo = self._socket.recv(4096)
        while len(echo) < 4 or len(echo) < 4 + int.from_bytes(echo[2:4], "big"):
            echo += self._socket.recv(4096)


def measure(name: str, callers: int, messages: int) -> str:
    """One line of the table."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run, args=(name, theirs), daemon=True)
    process.start()
    theirs.close()
    port = ours.recv()
    calls = [Caller(port, number, starts=SERVERS[name][1]) for number in range(callers)]
    _converse(calls, messages // 10)
    before = _ask(ours)
    trips_us = _converse(calls, messages) / 1000
    cpu_us = (_ask(ours) - before) * 1e6 / (len(trips_us) * callers)
    ours.close()
    process.join()
    p50, p90, p99 = np.percentile(trips_us, [50, 90, 99]) / callers
    return f"{name:<16}{callers:>8}{cpu_us:>10.1f}{p50:>10.1f}{p90:>10.1f}{p99:>10.1f}{trips_us.max() / callers:>10.1f}"


def _ask(server: Connection) -> float:
    server.send("cpu")
    seconds: float = server.recv()
    return seconds


def _converse(calls: list[Caller], messages: int) -> np.ndarray:
    """Rounds in which each caller speaks and hears; the nanoseconds of each round."""
    rounds = np.empty(max(1, messages // len(calls)), dtype=np.int64)
    for at in range(len(rounds)):
        begun = time.perf_counter_ns()
        for call in calls:
            call.speak()
        for call in calls:
            call.hear()
        rounds[at] = time.perf_counter_ns() - begun
    return rounds


def main() -> None:
    parser = argparse.ArgumentParser(description="Cost of a message through the media door.")
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--callers", type=int, nargs="*", default=[1, 50], help="connections at a time")
    flags = parser.parse_args()
    print(described())
    print(f"{'microseconds a message':<24}{'cpu':>10}{'p50':>10}{'p90':>10}{'p99':>10}{'max':>10}")
    for callers in flags.callers:
        for name in SERVERS:
            print(measure(name, callers, flags.messages), flush=True)


if __name__ == "__main__":
    main()
