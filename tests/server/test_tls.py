"""The server speaks TLS itself: calls, webhooks, a new certificate, and strangers who do not finish."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from mediasrv.errors import ConfigError
from mediasrv.net.certificate import Certificate, expiry_of
from mediasrv.net.websocket import connect
from mediasrv.server import port
from mediasrv.server.options import ServerOptions
from mediasrv.server.port import Port
from mediasrv.server.service import Service
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.certificates import Files, write
from tests.net.peers import Ears, stranger
from tests.patience import WAIT_S
from tests.server.stage import STREAM, UNSIGNED, EchoAgency, Phone


class House:
    """A server with a certificate, and those who trust it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = self.renewed(30)
        self.certificate = Certificate(self.files.certificate, self.files.key, datetime.now(UTC))
        self.port = Port("127.0.0.1", 0, tls=self.certificate.context)
        options = ServerOptions(public_url="https://127.0.0.1", sheds_load=False)
        self.service = Service(options, UNSIGNED, EchoAgency(), port=self.port)
        self.trusting = ssl.create_default_context(cafile=str(self.files.certificate))

    def renewed(self, days: float) -> Files:
        # Tests of clocks are elsewhere: this one is for a client that goes by the real one.
        return write(self.folder, datetime.now(UTC), days)

    async def phone(self) -> Phone:
        url = f"wss://127.0.0.1:{self.port.number}{STREAM}"
        return Phone(Ears(await connect(url, ssl=self.trusting)), PlivoCarrierProtocol())

    async def get(self, path: str) -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"https://127.0.0.1:{self.port.number}{path}", ssl=self.trusting) as response,
        ):
            return await response.text()

    async def days_left(self) -> int:
        anybody = ssl.create_default_context()
        anybody.check_hostname, anybody.verify_mode = False, ssl.CERT_NONE
        _, writer = await asyncio.open_connection("127.0.0.1", self.port.number, ssl=anybody)
        der = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return round((expiry_of(der) - datetime.now(UTC)).total_seconds() / 86400)


@asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    there = House(folder)
    await there.service.start()
    try:
        yield there
    finally:
        await there.service.aclose()


async def test_calls_and_requests_come_over_tls(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        assert await there.get("/healthz") == "alive\n"
        phone = await there.phone()
        phone.start()
        await phone.echo()
        await phone.hang_up()
        assert "wss://127.0.0.1/plivo/stream" in await there.get("/plivo/answer?CallUUID=c-1")


async def test_a_new_certificate_is_for_new_connections_and_no_call_is_lost(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        phone = await there.phone()
        phone.start()
        there.renewed(90)
        there.certificate.renew(datetime.now(UTC))
        await phone.echo()
        assert await there.days_left() == 90
        await phone.hang_up()


async def test_who_never_finishes_the_handshake_is_dropped_and_others_are_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "HANDSHAKE_WITHIN_S", 1.0)
    async with house(tmp_path) as there, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(stranger(there.port.number)) for _ in range(300)]
        assert await there.get("/healthz") == "alive\n"
        async with asyncio.timeout(WAIT_S):
            assert [await each.reader.read() for each in idle] == [b""] * 300
        assert not there.service._crowd.waiting


async def test_plain_requests_and_garbage_are_dropped_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(tmp_path) as there:
        for sent in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", bytes(64), b"\x16\x03\x01\x00\x05hello"):
            async with stranger(there.port.number) as peer:
                peer.writer.write(sent)
                assert b"alive" not in await peer.rest()
        assert await there.get("/healthz") == "alive\n"
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"tls_key_file": "k"}, "TLS needs both"),
        ({"tls_certificate_file": "c"}, "TLS needs both"),
        ({"tls_certificate_file": "c", "tls_key_file": "k"}, "an https:// one"),
        ({"tls_certificate_file": "c", "tls_key_file": "k", "public_url": "http://x.in"}, "an https:// one"),
    ],
)
def test_half_of_it_is_refused(given: dict[str, str], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        ServerOptions(**given)  # type: ignore[arg-type]
