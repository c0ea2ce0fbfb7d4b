import asyncio
import socket
import time

import pytest

from tests.hurried import PACE, run_hurriedly


def test_a_wait_takes_a_part_of_its_time() -> None:
    async def sleep() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(0.3)
        return asyncio.get_running_loop().time() - begun

    before = time.monotonic()
    waited_s = run_hurriedly(sleep())
    assert waited_s >= 0.3
    assert time.monotonic() - before >= waited_s / PACE


def test_sockets_are_heard_as_ever() -> None:
    async def talk() -> bytes:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            asyncio.get_running_loop().call_later(0.03, theirs.send, b"x")
            return await asyncio.get_running_loop().sock_recv(ours, 1)

    assert run_hurriedly(talk()) == b"x"


def test_what_fails_fails() -> None:
    async def fail() -> None:
        raise ValueError

    with pytest.raises(ValueError):  # noqa: PT011
        run_hurriedly(fail())
