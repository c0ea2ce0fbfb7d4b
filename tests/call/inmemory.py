"""The stand-in of OpenAI Realtime behind a socket that is made of memory, so that it can live in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from typing import Any

from aiohttp import WSMessage, WSMsgType

from mediasrv.net.websocket import HandshakeError, WebSocket
from mediasrv.providers.openai_realtime import OpenAiRealtime
from native_bench.standins.base import Fault, Peer
from native_bench.standins.openai_realtime import KEY, OpenAiRealtimeStandin


class MemoryRealtime(OpenAiRealtime):
    """The adapter, with a stand-in where the vendor is; what it complains of fails the test."""

    def __init__(self, standin: OpenAiRealtimeStandin, **options: Any) -> None:
        super().__init__(OpenAiRealtime.Options(api_key=KEY, **options))
        self.standin = standin
        self.sockets: list[MemorySocket] = []

    async def _dial(self) -> WebSocket:
        fault = self.standin.next_fault()
        if fault.kind == "refuse":
            raise HandshakeError(f"HTTP {fault.status}", fault.status)
        self.sockets.append(MemorySocket(self.standin, fault))
        return self.sockets[-1]  # type: ignore[return-value]


class MemorySocket:
    """Both ends of a WebSocket; what one side writes, the other hears in the next turn of the loop."""

    def __init__(self, standin: OpenAiRealtimeStandin, fault: Fault) -> None:
        self.is_open, self._is_hung_up = True, False
        self._loop = asyncio.get_running_loop()
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()
        request: Any = SimpleNamespace(transport=SimpleNamespace(abort=lambda: self._end(1006)))
        socket: Any = _StandinSide(self)
        self.serving = asyncio.create_task(standin.serve(Peer(standin, request, socket, fault)))

    def listen(self, on_message: Callable[[str], None], on_closed: Callable[[int, str], None]) -> None:
        self._on_message, self._on_closed = on_message, on_closed

    def send(self, message: str) -> None:
        if self.is_open:
            self._inbox.put_nowait(message)

    def close(self) -> None:
        self._is_hung_up = True
        self._finish()

    def _finish(self) -> None:
        self.is_open = False
        self._inbox.put_nowait(None)

    def deliver(self, message: str) -> None:
        if self.is_open:
            self._loop.call_soon(self._hand_over, message)

    def _hand_over(self, message: str) -> None:
        if not self._is_hung_up:
            self._on_message(message)

    def _end(self, code: int) -> None:
        if self.is_open:
            self._finish()
            self._loop.call_soon(self._on_closed, code, "")

    async def received(self) -> AsyncIterator[WSMessage]:
        while (message := await self._inbox.get()) is not None:
            yield WSMessage(WSMsgType.TEXT, message, None)


class _StandinSide:
    """What the stand-in takes for aiohttp's WebSocket."""

    close_code = 1000

    def __init__(self, socket: MemorySocket) -> None:
        self._socket = socket

    @property
    def closed(self) -> bool:
        return not self._socket.is_open

    def __aiter__(self) -> AsyncIterator[WSMessage]:
        return self._socket.received()

    async def send_str(self, message: str) -> None:
        self._socket.deliver(message)

    async def close(self, *, code: int, message: bytes) -> None:
        self._socket._end(code)
