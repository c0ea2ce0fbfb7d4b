"""What all stand-ins share: a server on a free port, misfortunes on demand, and a list of what a client did wrong.

A stand-in speaks its vendor's wire protocol and rejects what the vendor would reject. Every such rejection is a line in
``complaints``, so a test that ends with none there has a client that knows the protocol::

    standin = DeepgramStandin(final_ms=100, faults=[Fault("reset", after=50)])
    async with standin as url:
        ...
    assert standin.complaints == []

Connections (requests, for a vendor on plain HTTP) take their faults from the list in the order they come; when it has
run out they are served well.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar

import orjson
from aiohttp import WSMsgType, web

HOST = "127.0.0.1"
LEDGER = "/stand-in/ledger"
"""Where a stand-in in a process of its own tells what it did; no vendor has it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one connection or request.

    Kinds that every stand-in plays: ``refuse`` (an HTTP ``status`` instead of service), ``stall`` (no answer to the
    request at all), ``hang`` (neither reads nor writes any more), ``silent`` (reads and answers pings, and says nothing
    any more), ``reset`` (TCP connection torn down), ``close`` (a WebSocket close with ``code`` and ``reason``),
    ``garbage`` (a message that is no message), ``oversize`` (one of three megabytes). A stand-in names those that it
    plays besides, such as ``late``, ``missing``, ``double``, ``error`` and ``idle``.
    """

    kind: str = ""
    after: int = 0
    """Messages (of the client, or of the stand-in where it says so) that pass before it strikes."""
    status: int = 503
    code: int = 1011
    reason: str = ""
    """Of a close, or the vendor's own word for an error."""
    delay_s: float = 0.0
    """How late what is late comes; for ``refuse`` the ``retry-after``, where it is not 0."""


NONE = Fault()
Message = str | bytes


class Refused(Exception):
    """The vendor would not serve this request: an HTTP status and one line."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Standin(ABC):
    """A server on loopback: ``async with`` starts it, gives its origin (``http://…``), and stops it."""

    name: ClassVar[str]
    """What ``python -m native_bench.standins`` calls it."""

    def __init__(self, *, faults: Sequence[Fault] = (), port: int = 0) -> None:
        self._faults = list(faults)
        self._port = port
        self._runner: web.AppRunner | None = None
        self._over = asyncio.Event()
        self.connections = 0
        """Connections or requests so far, refused ones too."""
        self.live = 0
        """Those that are being served now."""
        self.complaints: list[str] = []
        """What clients did that the vendor would not stand."""

    @abstractmethod
    def routes(self) -> Iterable[web.RouteDef]:
        """What it serves."""

    async def __aenter__(self) -> str:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.add_routes([*self.routes(), web.get(LEDGER, self._show_ledger)])
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, HOST, self._port)
        await site.start()
        return f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        self._over.set()
        if self._runner is not None:
            await self._runner.cleanup()

    async def until_over(self) -> None:
        """Wait until the stand-in is stopped."""
        await self._over.wait()

    def ledger(self) -> dict[str, Any]:
        """What it did so far, as JSON has it."""
        return {"connections": self.connections, "live": self.live, "complaints": self.complaints}

    async def _show_ledger(self, request: web.Request) -> web.Response:
        return web.json_response(self.ledger())

    def complain(self, text: str) -> None:
        """Note what a client did wrong."""
        self.complaints.append(text)

    def require(self, fits: bool, status: int, text: str) -> None:
        """Refuse a request that does not fit."""
        if not fits:
            raise Refused(status, text)

    def require_known(self, given: Iterable[str], known: Iterable[str]) -> None:
        """Refuse a request with parameters that are not known."""
        unknown = sorted(set(given) - set(known))
        self.require(not unknown, 400, f"unknown parameters: {', '.join(unknown)}")

    def plan(self, faults: Sequence[Fault]) -> None:
        """Let these befall the next connections, in the place of what was planned before."""
        self._faults = list(faults)

    def next_fault(self) -> Fault:
        """Count a connection, and take its fault."""
        self.connections += 1
        return self._faults.pop(0) if self._faults else NONE

    async def befall(self, request: web.Request, fault: Fault) -> web.Response | None:
        """Play a fault that comes before any service; ``None`` when the request is to be served."""
        match fault.kind:
            case "refuse":
                retry = {"Retry-After": f"{fault.delay_s:g}"} if fault.delay_s else {}
                return web.json_response({"error": fault.reason or "refused"}, status=fault.status, headers=retry)
            case "stall":
                await self.until_over()
            case "reset" if not fault.after:
                tear(request)
                return web.Response()
        return None

    def refusal(self, refused: Refused) -> web.Response:
        """The answer to a request that does not fit."""
        self.complain(str(refused))
        return web.json_response({"error": str(refused)}, status=refused.status)


def tear(request: web.Request) -> None:
    """Tear down a request's TCP connection."""
    if request.transport is not None:
        request.transport.abort()


class Peer:
    """A client's WebSocket, and the misfortune that it is going to have."""

    def __init__(self, standin: Standin, request: web.Request, socket: web.WebSocketResponse, fault: Fault) -> None:
        self.request = request
        self.fault = fault
        self.closed_by_client: int | None = None
        """The client's close code, once it has come."""
        self._standin = standin
        self._socket = socket
        self._heard = 0
        self._is_hung = self._is_silent = False

    async def messages(self) -> AsyncGenerator[Message]:
        """The client's messages until one side ends it; a fault that every stand-in plays strikes here."""
        if not self.fault.after:
            await self.strike()
            await self._hang()
        async for message in self._socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                break
            self._heard += 1
            if self._heard == self.fault.after:
                await self.strike()
                await self._hang()
            yield message.data
        self.closed_by_client = self._socket.close_code

    async def strike(self) -> None:
        """Play the fault, where it is one of a connection."""
        match self.fault.kind:
            case "reset":
                tear(self.request)
            case "hang":
                self._is_hung = True
                if self.request.transport is not None:
                    self.request.transport.pause_reading()
            case "silent":
                self._is_silent = True
            case "close":
                await self.close(self.fault.code, self.fault.reason)
            case "oversize":
                await self.say_raw('{"type":"' + "x" * 3_000_000 + '"}')
            case "garbage":
                await self.say_raw("\x00 no JSON {")

    async def say(self, message: Mapping[str, Any]) -> None:
        """Send JSON; nothing when the connection is gone."""
        await self.say_raw(orjson.dumps(message).decode())

    async def say_raw(self, message: Message) -> None:
        """Send text or bytes as they are; nothing when the connection is gone."""
        if self._socket.closed or self._is_hung or self._is_silent:
            return
        with suppress(ConnectionError):
            await (self._socket.send_str(message) if isinstance(message, str) else self._socket.send_bytes(message))

    async def _hang(self) -> None:
        if self._is_hung:
            await self._standin.until_over()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the WebSocket."""
        await self._socket.close(code=code, message=reason.encode())


class WebSocketStandin(Standin):
    """A stand-in for a vendor that is reached by WebSocket at one path."""

    path: ClassVar[str]

    def __init__(self, *, faults: Sequence[Fault] = (), port: int = 0) -> None:
        super().__init__(faults=faults, port=port)
        self.peers: set[Peer] = set()
        """Clients that are being served now."""

    async def strike(self, fault: Fault) -> None:
        """Let a fault befall all clients now."""
        for peer in tuple(self.peers):
            peer.fault = fault
            await peer.strike()

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.get(self.path, self._welcome)]

    @abstractmethod
    def admit(self, request: web.Request) -> None:
        """Look at credentials and parameters; raise ``Refused`` (see ``require``) for what does not fit."""

    @abstractmethod
    async def serve(self, peer: Peer) -> None:
        """Talk to a client until it is over; afterwards the WebSocket is closed with 1000 if it is still open."""

    async def _welcome(self, request: web.Request) -> web.StreamResponse:
        fault = self.next_fault()
        response = await self.befall(request, fault)
        if response is not None:
            return response
        try:
            self.admit(request)
        except Refused as refused:
            return self.refusal(refused)
        socket = web.WebSocketResponse(compress=False, timeout=0.2, max_msg_size=16 * 1024 * 1024)
        await socket.prepare(request)
        peer = Peer(self, request, socket, fault)
        self.peers.add(peer)
        self.live += 1
        try:
            await self.serve(peer)
        finally:
            self.live -= 1
            self.peers.remove(peer)
            await socket.close()
        return socket
