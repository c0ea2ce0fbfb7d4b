"""The front door, with the whole server behind it."""

from __future__ import annotations

import asyncio
import re

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.net.websocket import HEAD_BYTES
from mediasrv.server import door
from mediasrv.wire.events import MediaReceived, PlayMedia
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.net.peers import TEXT, frame, request, stranger
from tests.patience import until
from tests.server.stage import FRAME, STREAM, stage

GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


async def test_http_and_websockets_share_the_port() -> None:
    async with stage() as there:
        assert await there.get("/healthz") == (200, "alive\n")
        phone = await there.phone()
        phone.start()
        await phone.echo()
        assert await there.get("/healthz") == (200, "alive\n")


async def test_start_and_first_media_in_the_segment_of_the_upgrade_are_not_lost() -> None:
    async with stage() as there, stranger(there.port) as peer:
        side = PlivoCarrierProtocol()
        messages = [side.start("call-1", "s", MULAW_8K), side.media(FRAME, 0), side.media(FRAME[::-1], 20)]
        peer.writer.write(request(STREAM) + b"".join(frame(TEXT, message.encode()) for message in messages))
        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        for payload in (FRAME, FRAME[::-1]):
            opcode, echo = await peer.frame()
            assert opcode == TEXT
            assert side.receive(echo.decode()) == PlayMedia(payload)
        (call,) = there.agency.calls
        assert [event.payload for event in call.events if isinstance(event, MediaReceived)] == [FRAME, FRAME[::-1]]


async def test_everything_may_come_byte_by_byte() -> None:
    async with stage() as there, stranger(there.port) as peer:
        side = PlivoCarrierProtocol()
        start, media = side.start("call-1", "s", MULAW_8K), side.media(FRAME, 0)
        stream = request(STREAM) + frame(TEXT, start.encode()) + frame(TEXT, media.encode())
        for at in range(len(stream)):
            peer.writer.write(stream[at : at + 1])
            await asyncio.sleep(0)
        assert (await peer.head()).startswith("HTTP/1.1 101 ")
        assert side.receive((await peer.frame())[1].decode()) == PlayMedia(FRAME)


async def test_a_plain_request_may_come_byte_by_byte_too() -> None:
    async with stage() as there, stranger(there.port) as peer:
        for byte in b"\r\n" + GET:
            peer.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert "200 OK" in await peer.head()


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(
            GET + GET.replace(b"healthz", b"nowhere") + GET.replace(b"1\r\n", b"1\r\nConnection: close\r\n")
        )
        answers = (await peer.rest()).decode()
        assert re.findall(r"HTTP/1\.1 ([0-9]+)", answers) == ["200", "404", "200"]


async def test_a_connection_is_kept_for_more_requests() -> None:
    async with stage() as there, stranger(there.port) as peer:
        for _ in range(3):
            peer.writer.write(GET)
            assert "200 OK" in await peer.head()
            assert await peer.reader.readexactly(6) == b"alive\n"


async def test_a_websocket_on_a_used_connection_is_politely_refused() -> None:
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(GET)
        await peer.head()
        await peer.reader.readexactly(6)
        peer.writer.write(request(STREAM))
        assert (await peer.head()).startswith("HTTP/1.1 400 ")
        line = b"a WebSocket must be the first request of its connection\n"
        assert await peer.reader.readexactly(len(line)) == line


async def test_a_stream_address_without_an_upgrade_says_what_it_speaks() -> None:
    async with stage() as there:
        assert await there.get(STREAM) == (426, "this address speaks WebSocket\n")
        async with there.session.post(there.http + STREAM) as response:
            assert response.status == 405


async def test_an_upgrade_anywhere_else_is_not_found() -> None:
    async with stage() as there, stranger(there.port) as peer:
        assert (await peer.upgrade("/plivo/other")).startswith("HTTP/1.1 404 ")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"get / http/1.1\r\n\r\n",
        b"GET /\r\n\r\n",
        b"GET / HTTP/1.1\n\n",
        b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x00" * 50,
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n folded: yes\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: \x00\r\n\r\n",
    ],
)
async def test_garbage_is_told_so_in_one_line_and_the_server_lives(garbage: bytes) -> None:
    async with stage() as there:
        async with stranger(there.port) as peer:
            peer.writer.write(garbage)
            assert (await peer.head()).startswith("HTTP/1.1 400 ")
            assert await peer.rest() == b"this is not HTTP\n"
        assert await there.get("/healthz") == (200, "alive\n")


async def test_a_broken_upgrade_is_a_bad_request() -> None:
    async with stage() as there:
        async with stranger(there.port) as peer:
            assert (await peer.upgrade(STREAM, "Content-Length: 7")).startswith("HTTP/1.1 400 ")
        async with stranger(there.port) as peer:
            peer.writer.write(request(STREAM).replace(b"Version: 13", b"Version: 8"))
            assert (await peer.head()).startswith("HTTP/1.1 400 ")
        assert there.service._calls._admission.occupied(0.0) == 0


async def test_a_head_without_end_is_cut_off() -> None:
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * (HEAD_BYTES // 6 + 1))
        assert (await peer.head()).startswith("HTTP/1.1 431 ")
        assert await peer.rest() == b"the request's head is too long\n"


async def test_half_a_head_times_out_with_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_WITHIN_S", 0.05)
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(GET[:20])
        assert (await peer.head()).startswith("HTTP/1.1 408 ")
        assert await peer.rest() == b"the request did not come\n"


async def test_a_silent_connection_is_closed_without_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "HEAD_WITHIN_S", 0.05)
    async with stage() as there, stranger(there.port) as peer:
        assert await peer.rest() == b""


async def test_a_visitor_who_leaves_early_is_forgotten() -> None:
    async with stage() as there:
        async with stranger(there.port) as peer:
            peer.writer.write(GET[:20])
            await there.get("/healthz")
        await until(lambda: not there.service._crowd.waiting)


async def test_visitors_are_sent_away_when_the_server_ends() -> None:
    async with stage() as there, stranger(there.port) as peer:
        peer.writer.write(GET[:20])
        await there.get("/healthz")
        await there.service.aclose()
        assert await peer.rest() == b""
