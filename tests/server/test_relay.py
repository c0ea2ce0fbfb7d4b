"""What comes over TLS finds its worker, although nobody can see what it is before it is there."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.net.peers import stranger
from tests.patience import WAIT_S, until
from tests.server.crew import FORM, house


async def test_a_stream_stays_where_it_came_and_a_word_about_its_call_is_brought_there(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        phone = await there.phone(1, "call-1")
        assert there.live() == [0, 1]
        there.steering.begin(1, "call-1")
        there.prefer(0)
        assert await there.post() == (200, "ok\n")
        assert (await phone.end())[0] == 1000


async def test_a_long_body_comes_whole_and_one_too_long_is_refused(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        assert await there.post(FORM + b"&x=" + b"y" * 60_000) == (200, "ok\n")
        assert (await there.post(FORM + b"&x=" + b"y" * 300_000))[0] == 413


async def test_who_leaves_in_the_middle_and_who_does_not_speak_tls_cost_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        _, writer = await asyncio.open_connection("127.0.0.1", there.port, ssl=there.trusting)
        writer.write(b"POST /plivo/callback/status HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
        await until(lambda: there.lobby._visitors)
        writer.transport.abort()
        await until(lambda: not there.lobby._visitors)
        for sent in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
            async with stranger(there.port) as peer:
                peer.writer.write(sent)
                assert b"alive" not in await peer.rest()
        assert await there.post() == (200, "ok\n")
        assert not any(worker._crowd.waiting for worker in there.workers)


async def test_a_request_that_nobody_looks_at_ends(tmp_path: Path) -> None:
    async with house(tmp_path) as there:
        there.prefer(0)
        reader, writer = await asyncio.open_connection("127.0.0.1", there.port, ssl=there.trusting)
        await until(lambda: there.workers[0]._crowd.waiting)
        there.leashes[0].close()
        await until(lambda: there.workers[0]._stopping.is_set())
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert await asyncio.wait_for(reader.read(), WAIT_S) == b""
        writer.close()
