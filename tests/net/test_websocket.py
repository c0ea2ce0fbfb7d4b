"""The opening handshake, both sides."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable

import pytest

from mediasrv.net.websocket import HEAD_BYTES, HandshakeError, ServerHandshake, WebSocket, connect
from tests.net.peers import TEXT, Ears, frame, house, request, stranger
from tests.patience import WAIT_S


async def test_the_request_can_be_read_before_it_is_answered() -> None:
    seen: list[tuple[str, dict[str, str]]] = []

    def look(handshake: ServerHandshake, rest: bytes) -> WebSocket:
        seen.append((handshake.target, handshake.headers))
        return handshake.accept()

    async with house(answer=look) as there, stranger(there.port) as peer:
        await peer.upgrade("/stream?a=b%20c", "X-Signature: one", "x-signature: two")
        target, headers = seen[0]
        assert target == "/stream?a=b%20c"
        assert headers["x-signature"] == "one, two"
        assert headers["host"] == "media.example.com"


async def test_a_subprotocol_is_chosen_by_whoever_accepts() -> None:
    async with house(answer=lambda handshake, rest: handshake.accept("audio.drachtio.org")) as there:
        websocket = await connect(there.url, subprotocols=["chat", "audio.drachtio.org"])
        assert websocket.subprotocol == "audio.drachtio.org"
        assert (await there.guest()).websocket.subprotocol == "audio.drachtio.org"
        websocket.abort()


async def test_who_offers_no_subprotocol_is_let_in() -> None:
    async with house() as there:
        websocket = await connect(there.url, subprotocols=[])
        assert websocket.subprotocol is None
        websocket.abort()


async def test_bytes_behind_the_request_are_the_first_frames() -> None:
    async with house() as there, stranger(there.port) as peer:
        peer.writer.write(request() + frame(TEXT, b"first") + frame(TEXT, b"second")[:3])
        callee = await there.guest()
        assert await callee.message() == "first"


async def test_bytes_behind_the_response_are_the_first_frames() -> None:
    def greet(handshake: ServerHandshake, rest: bytes) -> WebSocket:
        websocket = handshake.accept()
        websocket.send("hello")
        return websocket

    async with house(answer=greet) as there:
        assert await Ears(await connect(there.url)).message() == "hello"


async def test_headers_and_credentials_travel_with_the_request() -> None:
    seen: list[dict[str, str]] = []

    def look(handshake: ServerHandshake, rest: bytes) -> WebSocket:
        seen.append(handshake.headers)
        return handshake.accept()

    async with house(answer=look) as there:
        url = there.url.replace("ws://", "ws://ann:secret@")
        (await connect(url, headers={"X-Key": "1"})).abort()
        assert seen[0]["x-key"] == "1"
        assert seen[0]["authorization"].startswith("Basic ")
        assert seen[0]["host"] == f"127.0.0.1:{there.port}"


async def test_a_refusal_is_a_status_and_one_line() -> None:
    def refuse(handshake: ServerHandshake, rest: bytes) -> WebSocket:
        handshake.refuse(503, "full")
        raise HandshakeError("refused")

    async with house(answer=refuse) as there, stranger(there.port) as peer:
        head = await peer.upgrade()
        assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
        assert "Connection: close\r\n" in head
        assert await peer.rest() == b"full\n"
        with pytest.raises(HandshakeError, match="HTTP 503") as refusal:
            await connect(there.url)
        assert refusal.value.status == 503


@pytest.mark.parametrize(
    ("old", "new", "status"),
    [
        ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 8", 400),
        ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: not-", 400),
        ("GET ", "POST ", 405),
        ("Upgrade: websocket", "Upgrade: h2c", 426),
    ],
)
async def test_a_broken_handshake_is_answered_and_raised(old: str, new: str, status: int) -> None:
    errors: list[HandshakeError] = []

    def accept(handshake: ServerHandshake, rest: bytes) -> WebSocket:
        try:
            return handshake.accept()
        except HandshakeError as error:
            errors.append(error)
            raise

    async with house(answer=accept) as there, stranger(there.port) as peer:
        peer.writer.write(request().replace(old.encode(), new.encode()))
        assert (await peer.head()).startswith(f"HTTP/1.1 {status} ")
        await peer.rest()
        assert errors[0].status == status


async def test_a_head_that_is_none_is_an_error() -> None:
    transport = asyncio.Transport()
    for head in (b"GET /\r\n\r\n", request("/", "Transfer-Encoding: chunked"), request("/", "Content-Length: 3")):
        with pytest.raises(HandshakeError):
            ServerHandshake(transport, head)


Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], None]


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "closed the connection"),
        (b"HTTP/1.1 101 Switching", "closed the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "refused"),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n", "HTTP 404"),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            "Sec-WebSocket-Accept",
        ),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * HEAD_BYTES, "too long"),
    ],
)
async def test_a_server_that_speaks_otherwise_is_an_error(answer: bytes, message: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(HandshakeError, match=message):
            await asyncio.wait_for(connect(f"ws://127.0.0.1:{port}/"), WAIT_S)


async def test_a_server_that_says_nothing_times_out() -> None:
    hold = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hold.wait()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(TimeoutError):
            await connect(f"ws://127.0.0.1:{port}/", timeout_s=0.05)
        hold.set()


async def test_no_server_is_an_os_error() -> None:
    async with house() as there:
        url = there.url
    with pytest.raises(OSError, match=r"(?i)connect"):
        await connect(url)


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "ws://127.0.0.1:99999/", "ws:///path", "wss://127.0.0.1/"])
async def test_a_url_that_will_not_do_is_an_error(url: str) -> None:
    with pytest.raises(HandshakeError):
        await connect(url)


async def test_a_context_is_no_matter_for_a_plain_url() -> None:
    async with house() as there:
        (await connect(there.url, ssl=ssl.create_default_context())).abort()
