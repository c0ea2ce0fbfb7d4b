"""What is fuzzed of connections: the door, an open WebSocket, and HTTP requests. Each raises where we are at fault."""

from __future__ import annotations

import asyncio
from typing import Any

from websockets.protocol import OPEN
from websockets.server import ServerProtocol

from mediasrv.carriers.base import Carrier
from mediasrv.carriers.exotel import ExotelCarrier
from mediasrv.carriers.options import ExotelOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.plivo import PlivoCarrier
from mediasrv.carriers.telnyx import TelnyxCarrier
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.net.connection import Limits, WebSocket
from mediasrv.server.api.clerk import Means
from mediasrv.server.api.desk import OperatorDesk
from mediasrv.server.api.guard import Guard
from mediasrv.server.board import Board
from mediasrv.server.calls import Calls
from mediasrv.server.crowd import Crowd
from mediasrv.server.door import FrontDoor
from mediasrv.server.http import Reception
from mediasrv.server.media import MediaDoor
from mediasrv.server.metrics import Metrics
from mediasrv.server.repeats import Repeats
from mediasrv.server.telnyx import webhooks_of
from tests.server.stage import UNSIGNED, EchoAgency

TOKEN = "the operator's, for the corpus"
_MOST_CALLS = 10
_MESSAGE_BYTES = 1000
_TURNS = 30
"""Of the loop, for an answer that waits for nobody."""
_DATA_FRAMES = 2


class Wire(asyncio.Transport):
    """A transport whose other end is a list."""

    def __init__(self) -> None:
        super().__init__({"peername": ("203.0.113.9", 40000)})
        self.protocol: Any = None
        self.written: list[bytes] = []
        self.is_shut = False

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def write(self, data: Any) -> None:
        assert not self.is_shut
        self.written.append(bytes(data))

    def can_write_eof(self) -> bool:
        return False

    def is_closing(self) -> bool:
        return self.is_shut

    def get_write_buffer_size(self) -> int:
        return 0

    def close(self) -> None:
        self.is_shut = True

    abort = close


class Handler(asyncio.Protocol):
    """Who takes requests that are for no stream; what reads them is aiohttp's."""

    def __init__(self) -> None:
        self.received = b""

    def data_received(self, data: bytes) -> None:
        self.received += data


async def _knock(data: bytes) -> None:
    calls = Calls(EchoAgency(), 10, Metrics())
    media = MediaDoor(calls, {"/plivo/stream": PlivoCarrier(UNSIGNED)}, "")
    crowd, handler, wire = Crowd(10, calls.complaints.refused), Handler(), Wire()
    wire.protocol = FrontDoor(media, lambda left: handler, crowd)
    wire.protocol.connection_made(wire)
    size = 1 + data[0] if data else 1
    for at in range(1, len(data), size):
        if wire.is_shut:
            break
        wire.protocol.data_received(data[at : at + size])
        await asyncio.sleep(0)
    answer = b"".join(wire.written)
    assert not answer or answer.startswith(b"HTTP/1.1 ")
    assert b" 500 " not in answer[:20]
    wire.is_shut = True
    wire.protocol.connection_lost(None)
    crowd.leave(wire)
    await calls.aclose()
    assert not crowd.waiting
    assert not crowd._connections
    assert not calls._admission.occupied(0.0)


def door(data: bytes) -> None:
    """A connection, from its first byte to an open stream; the first byte of the data says in which pieces it comes."""
    asyncio.run(_knock(data))


def _messages(data: bytes) -> list[str | bytes]:
    """What a protocol object of ``websockets`` alone makes of frames, up to a text that is none."""
    protocol: Any = ServerProtocol(state=OPEN, max_size=_MESSAGE_BYTES)
    protocol.receive_data(data)
    messages: list[str | bytes] = []
    whole, is_text = b"", False
    for frame in protocol.events_received():
        if frame.opcode > _DATA_FRAMES:
            continue
        is_text = frame.opcode == 1 if frame.opcode else is_text
        whole += frame.data
        if frame.fin:
            try:
                messages.append(whole.decode() if is_text else whole)
            except UnicodeDecodeError:
                break
            whole = b""
    return messages


async def _talk(data: bytes) -> None:
    wire, heard, closed = Wire(), list[str | bytes](), list[tuple[int, str]]()
    protocol: Any = ServerProtocol(state=OPEN, max_size=_MESSAGE_BYTES)
    websocket = WebSocket(protocol, wire, Limits(message_bytes=_MESSAGE_BYTES), is_server=True)
    websocket.listen(heard.append, lambda code, reason: closed.append((code, reason)))
    size = 1 + data[0] if data else 1
    for at in range(1, len(data), size):
        if wire.is_shut:
            break
        websocket.data_received(data[at : at + size])
    assert len(closed) <= 1
    websocket.connection_lost(None)
    assert len(closed) == 1
    assert heard == _messages(data[1:])


def frames(data: bytes) -> None:
    """An open WebSocket: in whichever pieces frames come, they say what they say at once, and to another reader."""
    asyncio.run(_talk(data))


def _carriers() -> list[Carrier]:
    return [
        PlivoCarrier(UNSIGNED),
        TwilioCarrier(TwilioOptions(verify_signatures=False)),
        ExotelCarrier(ExotelOptions(verify_signatures=False)),
        TelnyxCarrier(TelnyxOptions(verify_signatures=False)),
    ]


async def _ask(data: bytes) -> None:
    calls = Calls(EchoAgency(), _MOST_CALLS, Metrics())
    desk = OperatorDesk(calls, Means(token=TOKEN, board=Board()), Guard(TOKEN))
    webhooks = [webhooks_of(calls, each, "") for each in _carriers()]
    reception = Reception(calls, *webhooks, desk, repeats=Repeats(each.carrier for each in webhooks))
    await reception.start()
    wire, left = Wire(), list[None]()
    wire.protocol = reception.connection(lambda: left.append(None))
    wire.protocol.connection_made(wire)
    size = 1 + 4 * data[0] if data else 1
    for at in range(1, len(data), size):
        if wire.is_shut:
            break
        wire.protocol.data_received(data[at : at + size])
        await asyncio.sleep(0)
    for _ in range(_TURNS):
        await asyncio.sleep(0)
    answer = b"".join(wire.written)
    assert not answer or answer.startswith(b"HTTP/")
    assert b"\ninternal error" not in answer
    assert b"Traceback" not in answer
    wire.is_shut = True
    wire.protocol.connection_lost(None)
    assert left == [None]
    await reception.aclose()
    await calls.aclose()


def http(data: bytes) -> None:
    """Requests on one connection: webhooks of all carriers, the operator's API; the first byte says in which pieces."""
    asyncio.run(_ask(data))
