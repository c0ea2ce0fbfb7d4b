"""Two workers at their leashes, in this process, and the lobby before them."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp

from mediasrv.net.certificate import Certificate
from mediasrv.net.websocket import connect
from mediasrv.server.leash import Leash, leash
from mediasrv.server.lobby import Lobby
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.server.steering import Steering
from mediasrv.server.worker import Tether
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.certificates import write
from tests.net.peers import Ears
from tests.patience import WAIT_S
from tests.server.stage import STREAM, UNSIGNED, EchoAgency, Phone

FORM = b"CallUUID=call-1&From=1&To=2"


class House:
    """The workers and the door."""

    def __init__(self, folder: Path, door: socket.socket, *, is_sealed: bool) -> None:
        files = write(folder, datetime.now(UTC), 30)
        self.trusting = ssl.create_default_context(cafile=str(files.certificate)) if is_sealed else None
        self.certificate = Certificate(files.certificate, files.key, datetime.now(UTC))
        self.port = int(door.getsockname()[1])
        self.s = "s" if is_sealed else ""
        self.steering = Steering()
        self.lobby = Lobby(self.steering, self.hand, {}, is_sealed=is_sealed)
        self.workers: list[Service] = []
        self.leashes: list[Leash] = []

    def hand(self, worker: int, connection: socket.socket, lost: Sequence[str], is_sealed: bool) -> bool:
        message = {"kind": "new", "lost": lost, "is_sealed": is_sealed}
        return self.leashes[worker].send(message, connection)

    async def add(self) -> None:
        ours, theirs = leash()
        self.leashes.append(Leash(ours, lambda _, connection: self.hear(connection), lambda: None))
        options = ServerOptions(public_url="https://127.0.0.1", sheds_load=False)
        worker = Service(options, UNSIGNED, EchoAgency(), port=Tether(theirs, tls=self.certificate.context))
        await worker.start()
        self.workers.append(worker)

    def hear(self, connection: socket.socket | None) -> None:
        if connection is not None:
            self.lobby.bring_back(connection)

    def prefer(self, worker: int) -> None:
        """Have what could go anywhere go there."""
        now = asyncio.get_running_loop().time()
        for number in range(len(self.workers)):
            self.steering.tell(number, 100 * (number != worker), "", now)

    def live(self) -> list[int]:
        return [worker._calls.live for worker in self.workers]

    async def phone(self, worker: int, call_id: str) -> Phone:
        """A call whose stream is at this worker."""
        self.prefer(worker)
        url = f"ws{self.s}://127.0.0.1:{self.port}{STREAM}?call={call_id}"
        phone = Phone(Ears(await connect(url, ssl=self.trusting)), PlivoCarrierProtocol())
        phone.start(call_id)
        await phone.echo()
        return phone

    async def post(self, body: bytes = FORM) -> tuple[int, str]:
        """Tell that a call is over."""
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.trusting or True)) as session,
            session.post(
                f"http{self.s}://127.0.0.1:{self.port}/plivo/callback/status",
                data=body + b"&Event=Hangup",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                timeout=aiohttp.ClientTimeout(total=WAIT_S),
            ) as response,
        ):
            return response.status, await response.text()


@asynccontextmanager
async def house(folder: Path, *, is_sealed: bool = True) -> AsyncIterator[House]:
    """Open; ``is_sealed``: to connections that speak TLS."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        there = House(folder, door, is_sealed=is_sealed)
        for number in range(2):
            there.steering.join(number)
            await there.add()
        there.lobby.open([door])
        try:
            yield there
        finally:
            there.lobby.close()
            for worker in there.workers:
                await worker.aclose()
            for each in there.leashes:
                each.close()
