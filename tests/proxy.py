"""A bad network: a TCP proxy whose delays, stalls and deaths are drawn from a seed and timed by the loop's clock.

    carrier ◄──► proxy ◄──► server

It is TCP that suffers, so nothing is lost or comes in another order: what is late holds up all that is behind it, and
comes with it at once.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

_PIECE_BYTES = 4096
_SMALL_BYTES = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What befalls a connection, in seconds from when it was opened."""

    delay_s: float = 0.0
    """Of every piece, one way."""
    jitter_s: float = 0.0
    """At most so much more, evenly drawn."""
    stalls: tuple[tuple[float, float], ...] = ()
    """When nothing moves either way, and for how long."""
    goes_silent_s: float | None = None
    """When both ends are left with an open socket that nobody answers: a half-open connection."""
    resets_s: float | None = None
    """When both are torn down."""
    reads_nothing_s: float | None = None
    """From when on the carrier reads nothing, while it goes on to send."""


class Proxy:
    """Connections through one weather."""

    def __init__(self, server_port: int, weather: Weather, seed: int) -> None:
        self.port = 0
        self._server_port = server_port
        self._weather = weather
        self._random = random.Random(seed)
        self._transports: set[asyncio.WriteTransport] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    async def connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Someone has come."""
        outward = socket.socket()
        if self._weather.reads_nothing_s is not None:
            outward.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _SMALL_BYTES)
        outward.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(outward, ("127.0.0.1", self._server_port))
        to_reader, to_writer = await asyncio.open_connection(sock=outward, limit=_SMALL_BYTES)
        began_s = loop.time()
        self._transports |= {writer.transport, to_writer.transport}
        if self._weather.resets_s is not None:
            loop.call_later(self._weather.resets_s, self._tear)
        pumps = [
            asyncio.create_task(self._pump(reader, to_writer, began_s, self._weather.goes_silent_s)),
            asyncio.create_task(
                self._pump(to_reader, writer, began_s, self._weather.goes_silent_s or self._weather.reads_nothing_s)
            ),
        ]
        self._pumps |= set(pumps)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, began_s: float, until_s: float | None
    ) -> None:
        """Move what comes, each piece at its time, until a side is gone; from ``until_s`` on do not even look."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def carry() -> None:
            while True:
                due_s, piece = await pieces.get()
                await asyncio.sleep(due_s - loop.time())
                if not piece:
                    writer.close()
                    return
                writer.write(piece)
                with suppress(ConnectionError):
                    await writer.drain()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(carry())
            latest_s = 0.0
            piece = b"?"
            while piece:
                if until_s is not None and loop.time() - began_s >= until_s:
                    await asyncio.Event().wait()
                piece = b""
                with suppress(ConnectionError):
                    piece = await reader.read(_PIECE_BYTES)
                latest_s = max(latest_s, self._due(loop.time() - began_s) + began_s)
                pieces.put_nowait((latest_s, piece))

    def _due(self, now_s: float) -> float:
        """When a piece that comes now arrives."""
        due_s = now_s + self._weather.delay_s + self._random.uniform(0.0, self._weather.jitter_s)
        for begins_s, lasts_s in self._weather.stalls:
            if begins_s <= due_s < begins_s + lasts_s:
                due_s = begins_s + lasts_s
        return due_s

    def _tear(self) -> None:
        for transport in self._transports:
            transport.abort()

    async def aclose(self) -> None:
        """Let go of everything."""
        self._tear()
        for pump in self._pumps:
            pump.cancel()
        await asyncio.gather(*self._pumps, return_exceptions=True)


@asynccontextmanager
async def proxy(server_port: int, weather: Weather, seed: int = 1) -> AsyncIterator[Proxy]:
    """Stand before a server, on a free port."""
    there = Proxy(server_port, weather, seed)
    server = await asyncio.start_server(there.connect, "127.0.0.1", 0, limit=_SMALL_BYTES)
    there.port = server.sockets[0].getsockname()[1]
    try:
        yield there
    finally:
        server.close()
        await there.aclose()
