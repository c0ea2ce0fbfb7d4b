from __future__ import annotations

import asyncio
import socket

from mediasrv.server.leash import PART_CHARS, Leash, Message, Parts, leash
from tests.patience import WAIT_S


class End:
    """One end, with all that it heard."""

    def __init__(self, end: socket.socket) -> None:
        self.heard: asyncio.Queue[tuple[Message, socket.socket | None]] = asyncio.Queue()
        self.is_over = asyncio.Event()
        self.leash = Leash(end, lambda message, connection: self.heard.put_nowait((message, connection)), self._end)

    def _end(self) -> None:
        self.is_over.set()

    async def hear(self) -> tuple[Message, socket.socket | None]:
        return await asyncio.wait_for(self.heard.get(), WAIT_S)


async def test_a_connection_is_handed_over_and_lives_on() -> None:
    ours, theirs = map(End, leash())
    near, far = socket.socketpair()
    assert ours.leash.send({"kind": "new"}, near)
    near.close()
    message, connection = await theirs.hear()
    assert message == {"kind": "new"}
    assert connection is not None
    with connection, far:
        far.send(b"hello")
        assert connection.recv(9) == b"hello"
    ours.leash.close()
    theirs.leash.close()


async def test_a_long_text_comes_in_parts_and_an_empty_one_in_one() -> None:
    ours, theirs = map(End, leash())
    parts = Parts()
    for text in ("ä" * (2 * PART_CHARS + 1), "", "short"):
        ours.leash.send_text("figures", text)
        whole = None
        while whole is None:
            whole = parts.add((await theirs.hear())[0])
        assert whole == text
    ours.leash.close()
    theirs.leash.close()


async def test_the_end_of_one_is_seen_by_the_other_and_nothing_is_sent_any_more() -> None:
    ours, theirs = map(End, leash())
    ours.leash.send({"kind": "last"})
    ours.leash.close()
    ours.leash.close()
    assert (await theirs.hear())[0] == {"kind": "last"}
    await asyncio.wait_for(theirs.is_over.wait(), WAIT_S)
    assert not ours.leash.send({"kind": "late"})
    assert not theirs.leash.send({"kind": "late"})


async def test_who_does_not_read_gets_no_more_and_blocks_nobody() -> None:
    one, other = leash()
    end = End(one)
    count = 0
    while end.leash.send({"kind": "x", "text": "y" * 10_000}):
        count += 1
        assert count < 10_000
    assert count > 5
    end.leash.close()
    other.close()


async def test_what_is_no_message_is_nothing() -> None:
    one, other = leash()
    end = End(one)
    other.send(b"{")
    other.send(b'{"kind": "y"}')
    assert (await end.hear())[0] == {"kind": "y"}
    end.leash.close()
    other.close()
