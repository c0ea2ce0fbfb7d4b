"""A whole server on a free port, with agents that repeat what they hear, and the carrier's end of a stream."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import aiohttp

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.call.call import Call
from mediasrv.call.ear import Ear
from mediasrv.call.effort import Effort
from mediasrv.call.figures import Figures
from mediasrv.call.levels import Levels
from mediasrv.call.link import CallDetails, Link
from mediasrv.call.observer import Observer
from mediasrv.carriers.base import Carrier
from mediasrv.carriers.options import PlivoOptions
from mediasrv.net.websocket import connect
from mediasrv.server.options import ServerOptions
from mediasrv.server.port import Port
from mediasrv.server.service import Service
from mediasrv.turn.callee import Kind
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.playout import PlayoutLedger
from mediasrv.wire.carrier import CarrierSide
from mediasrv.wire.events import (
    Command,
    DtmfReceived,
    Event,
    MediaReceived,
    PlayMedia,
    StreamStarted,
    StreamStopped,
)
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.net.peers import Ears
from tests.patience import WAIT_S

FRAME = bytes(range(160))
STREAM = "/plivo/stream"
UNSIGNED = PlivoOptions(verify_signatures=False)


class EchoCall:
    """A call whose agent repeats everything; the caller's ``#`` makes it hang up, ``*`` makes it fail."""

    def __init__(self, agent: str, started: StreamStarted, link: Link, details: CallDetails) -> None:
        self.agent, self.started, self.link, self.details = agent, started, link, details
        self.events: list[Event] = []
        self.callees: list[Kind] = []
        self.ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.figures = Figures(Ear(started.format, Effort(Observer())), PlayoutLedger(started.format), Outcomes())
        self.ignores_the_end = False
        self.was_cancelled = False
        self.patience = 1

    def receive(self, event: Event, came_s: float | None = None) -> None:
        self.events.append(event)
        if self.ended.done():
            return
        match event:
            case MediaReceived(payload):
                self.link.send(PlayMedia(payload))
            case DtmfReceived("#"):
                self.link.send(PlayMedia(b"goodbye!"))
                self.ended.set_result("agent hung up")
            case DtmfReceived("*"):
                self.ended.set_exception(ZeroDivisionError("an agent's bug"))
            case StreamStopped() if not self.ignores_the_end:
                self.ended.set_result("caller hung up")

    def callee_is(self, kind: Kind) -> None:
        self.callees.append(kind)

    def instruct(self, work: Callable[[Call], Coroutine[Any, Any, None]]) -> bool:
        return False

    def watch(self) -> Levels:
        return Levels(self.started.format)

    def unwatch(self) -> None:
        pass

    def end(self, cause: str) -> None:
        if not self.ended.done():
            self.ended.set_result(cause)

    async def run(self) -> str:
        try:
            return await self.ended
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise


class EchoAgency:
    """Opens echo calls."""

    def __init__(self) -> None:
        self.names: Collection[str] = {"default", "sales team"}
        self.calls: list[EchoCall] = []
        self.effort = Effort(Observer())
        self.least_lead_s = math.inf
        self.is_started = False
        self.may_start = asyncio.Event()
        self.may_start.set()
        self.fails_to_open = False
        self.prepared: list[str] = []

    @property
    def forwards(self) -> Mapping[str, str]:
        return {"pbx": "sip:pbx@example.in"}

    def take_least_lead(self) -> float:
        return self.least_lead_s

    async def start(self) -> None:
        await self.may_start.wait()
        self.is_started = True

    async def aclose(self) -> None:
        self.is_started = False

    async def prepare(self, agent_name: str) -> None:
        self.prepared.append(agent_name)

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails) -> EchoCall:
        if self.fails_to_open:
            raise ZeroDivisionError("an agent's bug")
        self.calls.append(EchoCall(agent_name, started, link, details))
        return self.calls[-1]


class Stage:
    """A server and a web client for it."""

    def __init__(self, service: Service, agency: EchoAgency, session: aiohttp.ClientSession) -> None:
        self.service, self.agency, self.session = service, agency, session
        self.port = service.port
        self.http = f"http://127.0.0.1:{service.port}"
        self.ws = f"ws://127.0.0.1:{service.port}"
        self.phones: list[Phone] = []

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        async with self.session.get(self.http + path, headers=headers) as response:
            return response.status, await response.text()

    async def post(
        self, path: str, form: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        async with self.session.post(self.http + path, data=form or {}, headers=headers) as response:
            return response.status, await response.text()

    async def metric(self, line: str) -> float:
        """The value of one line of ``/metrics``; 0 when it is not there."""
        _, text = await self.get("/metrics")
        values = [row.rpartition(" ")[2] for row in text.splitlines() if row.rpartition(" ")[0] == line]
        return float(values[0]) if values else 0.0

    async def phone(
        self, path: str = STREAM, headers: Mapping[str, str] | None = None, side: CarrierSide | None = None
    ) -> Phone:
        websocket = await connect(self.ws + path, headers=headers, subprotocols=["audio.drachtio.org"])
        self.phones.append(Phone(Ears(websocket), side or PlivoCarrierProtocol()))
        return self.phones[-1]


class Phone:
    """The carrier's end of a stream."""

    def __init__(self, ears: Ears, side: CarrierSide) -> None:
        self.ears = ears
        self.side = side

    def write(self, message: str | bytes) -> None:
        self.ears.websocket.send(message)

    def start(self, call_id: str = "call-1", audio: AudioFormat = MULAW_8K, headers: str = "") -> None:
        if greeting := self.side.connected():
            self.write(greeting)
        self.write(self.side.start(call_id, f"stream of {call_id}", audio, headers))

    def speak(self, payload: bytes = FRAME) -> None:
        self.write(self.side.media(payload, 0))

    def press(self, digit: str) -> None:
        self.write(self.side.dtmf(digit, 0))

    async def hear(self) -> Command:
        return self.side.receive(await self.ears.message())

    async def echo(self) -> None:
        """Speak, and hear it back."""
        self.speak()
        assert await self.hear() == PlayMedia(FRAME)

    async def end(self) -> tuple[int, str]:
        return await self.ears.end()

    async def hang_up(self) -> None:
        self.ears.websocket.close()
        await self.end()


@asynccontextmanager
async def stage(
    options: ServerOptions | None = None,
    plivo: PlivoOptions = UNSIGNED,
    agency: EchoAgency | None = None,
    *,
    sheds_load: bool = False,
    others: Sequence[Carrier] = (),
) -> AsyncIterator[Stage]:
    """Serve on a free port; a machine that is busy with other tests is no reason to refuse calls."""
    agency = agency or EchoAgency()
    service = Service(replace(options or ServerOptions(port=0), sheds_load=sheds_load), plivo, agency, others=others)
    await service.start()
    try:
        timeout = aiohttp.ClientTimeout(total=WAIT_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            there = Stage(service, agency, session)
            yield there
            for phone in there.phones:
                phone.ears.websocket.abort()
    finally:
        await service.aclose()


def close_payload(code: int) -> bytes:
    """What a close frame holds."""
    return struct.pack("!H", code)


async def free_port() -> int:
    """A port that nobody had a moment ago, for servers that must know their own address before they start."""
    port = Port("127.0.0.1", 0)
    await port.claim()
    port.close()
    return port.number
