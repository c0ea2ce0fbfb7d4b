"""Two ends of a WebSocket for tests: ours with a recorder on it, and a bare TCP peer that writes frames by hand."""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import cast

from mediasrv.net.websocket import HandshakeError, Limits, ServerHandshake, WebSocket
from tests.patience import WAIT_S

TEXT, BINARY, CONTINUATION, CLOSE, PING, PONG = 1, 2, 0, 8, 9, 10


class Ears:
    """What came out of one of our WebSockets."""

    def __init__(self, websocket: WebSocket) -> None:
        self.websocket = websocket
        self.messages: asyncio.Queue[str | bytes] = asyncio.Queue()
        self.closed: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        websocket.listen(self.messages.put_nowait, self._on_closed)

    def _on_closed(self, code: int, reason: str) -> None:
        self.closed.set_result((int(code), reason))  # raises when it is called twice

    async def message(self) -> str | bytes:
        return await asyncio.wait_for(self.messages.get(), WAIT_S)

    async def end(self) -> tuple[int, str]:
        return await asyncio.wait_for(asyncio.shield(self.closed), WAIT_S)


class Porch(asyncio.Protocol):
    """The least that opens a WebSocket on the server's side: one head, then the answer."""

    def __init__(self, answer: Callable[[ServerHandshake, bytes], None], limits: Limits) -> None:
        self.answer, self.limits, self.received = answer, limits, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, blank, rest = self.received.partition(b"\r\n\r\n")
        if blank:
            self.answer(ServerHandshake(self.transport, head + blank, self.limits), rest)


class House:
    """A server that accepts every WebSocket and keeps its ears."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"ws://127.0.0.1:{port}/stream?a=1"
        self.guests: asyncio.Queue[Ears] = asyncio.Queue()

    async def guest(self) -> Ears:
        return await asyncio.wait_for(self.guests.get(), WAIT_S)


@asynccontextmanager
async def house(
    limits: Limits | None = None, answer: Callable[[ServerHandshake, bytes], WebSocket] | None = None
) -> AsyncIterator[House]:
    """Serve on a free port; ``answer`` opens the WebSocket another way than by accepting it."""

    def open_one(handshake: ServerHandshake, rest: bytes) -> None:
        try:
            websocket = answer(handshake, rest) if answer else handshake.accept(rest=rest)
        except HandshakeError:
            return
        there.guests.put_nowait(Ears(websocket))

    porches: list[Porch] = []

    def porch() -> Porch:
        porches.append(Porch(open_one, limits or Limits()))
        return porches[-1]

    server = await asyncio.get_running_loop().create_server(porch, "127.0.0.1", 0)
    there = House(server.sockets[0].getsockname()[1])
    try:
        yield there
    finally:
        server.close()
        for each in porches:
            each.transport.abort()
        # The other ends notice in a turn of the loop or two.
        await asyncio.sleep(0.01)


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, mask: bool = True) -> bytes:
    """One frame of RFC 6455 section 5.2, as a client writes it."""
    head = bytes([(0x80 if fin else 0) | opcode])
    bit = 0x80 if mask else 0
    if len(payload) < 126:
        head += bytes([bit | len(payload)])
    elif len(payload) < 65536:
        head += struct.pack("!BH", bit | 126, len(payload))
    else:
        head += struct.pack("!BQ", bit | 127, len(payload))
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def request(target: str = "/stream", *extra: str) -> bytes:
    """The head of an upgrade request."""
    lines = [
        f"GET {target} HTTP/1.1",
        "Host: media.example.com",
        "Connection: Upgrade",
        "Upgrade: websocket",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *extra,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Stranger:
    """A TCP client that knows no WebSocket library."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def head(self) -> str:
        """The head of the server's answer."""
        return (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), WAIT_S)).decode()

    async def upgrade(self, target: str = "/stream", *extra: str) -> str:
        self.writer.write(request(target, *extra))
        return await self.head()

    async def frame(self) -> tuple[int, bytes]:
        """The next frame from the server: opcode and payload."""
        async with asyncio.timeout(WAIT_S):
            first, second = await self.reader.readexactly(2)
            size = second & 0x7F
            if size == 126:
                (size,) = struct.unpack("!H", await self.reader.readexactly(2))
            elif size == 127:
                (size,) = struct.unpack("!Q", await self.reader.readexactly(8))
            return first & 0x0F, await self.reader.readexactly(size)

    async def close_frame(self) -> tuple[int, str]:
        """The next frame, which must be a close: its code and reason."""
        opcode, payload = await self.frame()
        assert opcode == CLOSE
        return struct.unpack("!H", payload[:2])[0], payload[2:].decode()

    async def rest(self) -> bytes:
        """All that is left until the server closes."""
        return await asyncio.wait_for(self.reader.read(), WAIT_S)


@asynccontextmanager
async def stranger(port: int) -> AsyncIterator[Stranger]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Stranger(reader, writer)
    finally:
        writer.transport.abort()
