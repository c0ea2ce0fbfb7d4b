"""Small agents on a real socket, to be called by the simulator: a Plivo server in thirty lines each test can read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from mediasrv.wire.events import Command, Event
from mediasrv.wire.plivo import PlivoProtocol


class Phone:
    """The agent's end of a call."""

    def __init__(self, websocket: ServerConnection) -> None:
        self.websocket = websocket
        self.wire = PlivoProtocol()

    async def events(self) -> AsyncIterator[Event]:
        """What the carrier says, until the socket closes."""
        async for message in self.websocket:
            for event in self.wire.receive(message):
                yield event

    async def send(self, *commands: Command) -> None:
        for command in commands:
            for message in self.wire.send(command):
                await self.websocket.send(message)


@asynccontextmanager
async def answered_by(agent: Callable[[Phone], Awaitable[None]]) -> AsyncIterator[str]:
    """Serve one agent on a free port; gives its URL."""

    async def answer(websocket: ServerConnection) -> None:
        await agent(Phone(websocket))

    async with serve(
        answer, "127.0.0.1", 0, subprotocols=[Subprotocol("audio.drachtio.org")], close_timeout=2
    ) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/plivo/stream"
