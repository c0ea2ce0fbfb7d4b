"""The stand-in for Deepgram under load: ``python -m native_bench.load.recogniser final_ms=100 script=FILE``.

It says what the strict stand-in says, word for word, for it is the same session; but it has neither tasks nor a web
server behind it, and refuses nobody. The strict one takes twice the processor time, as much as some servers need for
the whole call, and shares its core with the callers.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from hashlib import sha1
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qsl

import orjson
import uvloop

from native_bench.load.frames import BINARY, CLOSE, PING, PONG, TEXT, served, unmasked
from native_bench.standins.__main__ import number
from native_bench.standins.base import HOST, NONE
from native_bench.standins.deepgram import DeepgramStandin, Nova

# RFC 6455 section 1.3.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_KEY = b"sec-websocket-key:"
_NORMAL = (1000).to_bytes(2, "big")


class SwiftNova(Nova):
    """A session that is told and tells by plain calls."""

    def __init__(self, standin: DeepgramStandin, query: Mapping[str, str], transport: asyncio.Transport) -> None:
        peer: Any = SimpleNamespace(request=SimpleNamespace(query=query), fault=NONE)
        super().__init__(standin, peer)
        self._transport = transport
        self._waiting: deque[tuple[float, bytes]] = deque()
        self._is_leaving = False
        self._loop = asyncio.get_running_loop()

    def take(self, message: str | bytes) -> bool:
        """Take a client's message; ``False`` ends the session."""
        try:
            self.receive(message).send(None)
        except StopIteration as done:
            return bool(done.value)
        raise RuntimeError("a session waits for nothing")

    def tell(self, message: Mapping[str, Any], delay_s: float = 0.0) -> None:
        """Send a message behind those before it, and no sooner than its delay."""
        self._waiting.append((self._loop.time() + delay_s, served(orjson.dumps(message))))
        if len(self._waiting) == 1:
            self._send()

    def leave(self) -> None:
        """Close the connection behind what is still to be said."""
        self._is_leaving = True
        if not self._waiting:
            self._send()

    def _send(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._loop.time():
            self._transport.write(self._waiting.popleft()[1])
        if self._waiting:
            self._loop.call_at(self._waiting[0][0], self._send)
        elif self._is_leaving:
            self._transport.write(served(_NORMAL, CLOSE))
            self._transport.close()


class Line(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, standin: DeepgramStandin) -> None:
        self._standin = standin
        self._received = b""
        self._session: SwiftNova | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received = self._received + data if self._received else data
        if self._session is None:
            head, blank, self._received = self._received.partition(b"\r\n\r\n")
            if not blank:
                self._received = head
                return
            self._session = self._open(head)
        at = 0
        while (frame := unmasked(self._received, at)) is not None:
            opcode, payload, at = frame
            self._hear(self._session, opcode, payload)
        self._received = self._received[at:]

    def _open(self, head: bytes) -> SwiftNova:
        request, *headers = head.split(b"\r\n")
        query = dict(parse_qsl(request.split()[1].decode("ascii").partition("?")[2]))
        key = next(line[len(_KEY) :].strip() for line in headers if line.lower().startswith(_KEY))
        accept = b64encode(sha1(key + _GUID, usedforsecurity=False).digest())
        answer = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self._transport.write(answer + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        return SwiftNova(self._standin, query, self._transport)

    def _hear(self, session: SwiftNova, opcode: int, payload: bytes) -> None:
        goes_on = True
        if opcode == BINARY:
            goes_on = session.take(payload)
        elif opcode == TEXT:
            goes_on = session.take(payload.decode())
        elif opcode == PING:
            self._transport.write(served(payload, PONG))
        if opcode == CLOSE or not goes_on:
            session.leave()


async def serve(standin: DeepgramStandin) -> asyncio.Server:
    """Begin to serve, on a free port."""
    return await asyncio.get_running_loop().create_server(lambda: Line(standin), HOST, 0)


async def _live(standin: DeepgramStandin) -> None:
    ended = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    server = await serve(standin)
    print(f"http://{HOST}:{server.sockets[0].getsockname()[1]}", flush=True)
    await ended.wait()


if __name__ == "__main__":
    options: dict[str, Any] = {key: number(value) for key, _, value in (each.partition("=") for each in sys.argv[1:])}
    uvloop.run(_live(DeepgramStandin(**options)))
