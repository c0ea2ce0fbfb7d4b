"""The open connection, over real sockets, against itself, a hand-written peer and another library's client."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import time
from typing import Any
from unittest.mock import patch

import aiohttp
import pytest

from mediasrv.net.websocket import Limits, connect
from tests.net.peers import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Ears,
    frame,
    house,
    request,
    stranger,
)
from tests.patience import WAIT_S


async def test_text_arrives_as_str_and_binary_as_bytes_both_ways() -> None:
    async with house() as there:
        caller = Ears(await connect(there.url))
        callee = await there.guest()
        for ears, other in ((caller, callee), (callee, caller)):
            ears.websocket.send("नमस्ते")
            ears.websocket.send(b"\x00\xff")
            assert await other.message() == "नमस्ते"
            assert await other.message() == b"\x00\xff"
        caller.websocket.close(1001, "bye")
        assert await callee.end() == (1001, "bye")
        assert await caller.end() == (1001, "bye")
        assert not caller.websocket.is_open
        assert not callee.websocket.is_open


async def test_messages_that_are_sent_at_once_arrive_one_by_one() -> None:
    async with house() as there:
        caller = Ears(await connect(there.url))
        callee = await there.guest()
        for ears, other in ((caller, callee), (callee, caller)):
            with patch.object(ears.websocket, "_transport", wraps=ears.websocket._transport) as transport:
                ears.websocket.send(b"audio" * 100, "what of it", b"")
            assert transport.write.call_count == 1
            assert [await other.message() for _ in range(3)] == [b"audio" * 100, "what of it", b""]


async def test_another_librarys_client_talks_with_it() -> None:
    async with house() as there, aiohttp.ClientSession() as session, session.ws_connect(there.url, compress=15) as peer:
        callee = await there.guest()
        await peer.send_str("a" * 70_000)
        assert await callee.message() == "a" * 70_000
        callee.websocket.send("b" * 70_000)
        assert await peer.receive_str(timeout=WAIT_S) == "b" * 70_000
        assert peer.compress == 0
        await peer.close(code=4001, message=b"done")
        assert await callee.end() == (4001, "done")


async def test_messages_that_came_before_anyone_listened_are_delivered_in_order_and_the_close_after_them() -> None:
    async with house() as there:
        websocket = await connect(there.url)
        callee = await there.guest()
        callee.websocket.send("one")
        callee.websocket.send("two")
        callee.websocket.close(1000, "over")
        assert await callee.end() == (1000, "over")
        caller = Ears(websocket)
        assert [caller.messages.get_nowait(), caller.messages.get_nowait()] == ["one", "two"]
        assert await caller.end() == (1000, "over")


async def test_fragments_are_put_together_around_a_ping() -> None:
    async with house() as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        word = "é".encode()
        peer.writer.write(frame(TEXT, b"caf" + word[:1], fin=False))
        peer.writer.write(frame(PING, b"still there?"))
        peer.writer.write(frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION, word[1:]))
        peer.writer.write(frame(BINARY, b"\x01", fin=False) + frame(CONTINUATION, b"\x02"))
        assert await callee.message() == "café"
        assert await callee.message() == b"\x01\x02"
        assert await peer.frame() == (PONG, b"still there?")


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"hi", mask=False), 1002),
        (frame(CONTINUATION, b"of nothing"), 1002),
        (frame(3, b"reserved"), 1002),
        (frame(PING, b"x" * 126), 1002),
        (frame(TEXT, b"x" * 1001), 1009),
        (frame(TEXT, b"x" * 600, fin=False) + frame(CONTINUATION, b"x" * 600), 1009),
        (b"\x81\xff" + b"\xff" * 8, 1009),
    ],
    ids=["no text", "no mask", "of nothing", "reserved", "a long ping", "too long", "too long in parts", "endless"],
)
async def test_a_frame_that_breaks_the_protocol_closes_and_what_follows_is_not_delivered(
    broken: bytes, code: int
) -> None:
    async with house(Limits(message_bytes=1000)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.write(frame(TEXT, b"good") + broken + frame(TEXT, b"late"))
        assert await callee.message() == "good"
        assert (await callee.end())[0] == code
        assert (await peer.close_frame())[0] == code
        assert await peer.rest() == b""
        assert callee.messages.empty()


async def test_a_peer_that_vanishes_is_1006() -> None:
    async with house() as there:
        async with stranger(there.port) as peer:
            await peer.upgrade()
            callee = await there.guest()
        assert await callee.end() == (1006, "the connection broke")
        callee.websocket.send("into the void")
        callee.websocket.close()


async def test_a_peer_that_ends_its_side_without_goodbye_is_1006() -> None:
    async with house() as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.write_eof()
        assert (await callee.end())[0] == 1006
        assert await peer.rest() == b""


async def test_what_was_sent_goes_out_before_the_close() -> None:
    async with house() as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        for number in range(200):
            callee.websocket.send(f"{number}")
        callee.websocket.close(1000, "é" * 100)
        callee.websocket.close(1011, "twice")
        callee.websocket.send("too late")
        assert [await peer.frame() for _ in range(200)] == [(TEXT, f"{n}".encode()) for n in range(200)]
        assert await peer.close_frame() == (1000, "é" * 61)
        peer.writer.write(frame(TEXT, b"not heard") + frame(CLOSE, struct.pack("!H", 1000) + b"bye"))
        assert await callee.end() == (1000, "bye")
        assert callee.messages.empty()


async def test_a_peer_that_does_not_answer_the_close_is_cut_off() -> None:
    async with house(Limits(close_s=0.05)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        callee.websocket.close(1000, "over")
        assert await peer.close_frame() == (1000, "over")
        assert await callee.end() == (1000, "over")
        with contextlib.suppress(ConnectionError):
            assert await peer.rest() == b""


async def test_a_peer_that_closes_but_keeps_its_connection_is_over_at_once_and_cut_off() -> None:
    async with house(Limits(close_s=0.05)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.write(frame(CLOSE, struct.pack("!H", 1000)))
        assert await callee.end() == (1000, "")
        assert await peer.close_frame() == (1000, "")
        with contextlib.suppress(ConnectionError):
            assert await peer.rest() == b""


async def test_a_silent_peer_is_pinged_and_then_cut_off() -> None:
    async with house(Limits(ping_s=0.15)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        assert await peer.frame() == (PING, b"")
        peer.writer.write(frame(PONG))
        assert await peer.frame() == (PING, b"")
        assert await callee.end() == (1006, "the peer does not answer")


async def test_a_peer_that_answers_pings_stays() -> None:
    async with house(Limits(ping_s=0.1)) as there:
        caller = Ears(await connect(there.url))
        callee = await there.guest()
        await asyncio.sleep(0.5)
        caller.websocket.send("here")
        assert await callee.message() == "here"


RESET = struct.pack("ii", 1, 0)
"""SO_LINGER of a socket whose end is a reset."""


@pytest.mark.parametrize(
    ("deed", "ending"),
    [
        (frame(PONG), None),
        (frame(CLOSE, struct.pack("!H", 1000)), (1000, "")),
        (frame(TEXT, b"unmasked", mask=False), (1002, "incorrect masking")),
        ("ends", (1006, "the connection broke")),
        ("resets", (1006, "the connection broke")),
    ],
    ids=["answers", "closes", "breaks the protocol", "ends", "resets"],
)
async def test_what_came_while_the_loop_stood_counts_before_the_ping_that_is_due(
    deed: bytes | str, ending: tuple[int, str] | None
) -> None:
    loop, failures = asyncio.get_running_loop(), list[dict[str, Any]]()
    loop.set_exception_handler(lambda loop, failure: failures.append(failure))
    async with house(Limits(ping_s=0.1)) as there, asyncio.timeout(WAIT_S):
        with socket.socket() as peer:
            peer.setblocking(False)
            await loop.sock_connect(peer, ("127.0.0.1", there.port))
            await loop.sock_sendall(peer, request())
            callee, received = await there.guest(), b""
            while not received.endswith(frame(PING, mask=False)):
                received += await loop.sock_recv(peer, 4096)
            if isinstance(deed, bytes):
                peer.send(deed)
            elif deed == "ends":
                peer.shutdown(socket.SHUT_WR)
            else:
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                peer.close()
            time.sleep(0.3)  # noqa: ASYNC251
            if ending is None:
                assert await loop.sock_recv(peer, 4096) == frame(PING, mask=False)
                assert callee.websocket.is_open
            else:
                assert await callee.end() == ending
            await asyncio.sleep(0.15)
    assert failures == []


async def test_a_backlog_past_its_bound_cuts_the_peer_off() -> None:
    async with house(Limits(buffer_bytes=300_000)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        sent = 0
        while callee.websocket.is_open:
            callee.websocket.send(b"x" * 50_000)
            sent += 50_000
            await asyncio.sleep(0)
            assert sent < 100_000_000
        assert await callee.end() == (1006, "the peer does not read")


MORE_THAN_KERNELS_BUFFER = 400
"""Messages of 50 kB: twice what the sockets of a loopback connection hold at most."""


async def test_a_peer_that_stops_reading_is_cut_off_after_a_while() -> None:
    async with house(Limits(stall_s=0.1, buffer_bytes=100_000_000)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(MORE_THAN_KERNELS_BUFFER):
            callee.websocket.send(b"x" * 50_000)
        assert await callee.end() == (1006, "the peer does not read")


async def test_a_peer_that_reads_again_in_time_stays() -> None:
    async with house(Limits(stall_s=5.0, buffer_bytes=100_000_000)) as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]
        for _ in range(MORE_THAN_KERNELS_BUFFER):
            callee.websocket.send(b"x" * 50_000)
        await asyncio.sleep(0.05)
        peer.writer.transport.resume_reading()  # type: ignore[attr-defined]
        for _ in range(MORE_THAN_KERNELS_BUFFER):
            assert (await peer.frame())[0] == BINARY
        assert callee.websocket._stall_timer is None
        peer.writer.write(frame(TEXT, b"still here"))
        assert await callee.message() == "still here"


async def test_aborting_inside_a_delivery_delivers_nothing_more() -> None:
    async with house() as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        heard: list[str | bytes] = []
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def hang_up(message: str | bytes) -> None:
            heard.append(message)
            callee.websocket.abort()

        callee.websocket.listen(hang_up, lambda code, reason: ended.set_result(code))
        peer.writer.write(frame(TEXT, b"one") + frame(TEXT, b"two") + frame(CLOSE, struct.pack("!H", 1000)))
        # The close came in the same breath as the messages: what ended it is the peer's word, or the abort.
        assert await asyncio.wait_for(ended, WAIT_S) in (1000, 1006)
        assert heard == ["one"]


async def test_closing_inside_a_delivery_delivers_nothing_more() -> None:
    async with house() as there, stranger(there.port) as peer:
        await peer.upgrade()
        callee = await there.guest()
        heard: list[str | bytes] = []

        def hang_up(message: str | bytes) -> None:
            heard.append(message)
            callee.websocket.close(1008, "enough")

        callee.websocket.listen(hang_up, callee._on_closed)
        peer.writer.write(frame(TEXT, b"one") + frame(TEXT, b"two"))
        assert await peer.close_frame() == (1008, "enough")
        assert heard == ["one"]
