"""When the garbage collector looks through everything."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Coroutine
from typing import Any

from mediasrv.server.broom import AT_LATEST_S, GROWTH, LOOK_EVERY_S, Broom
from tests.virtual import run_virtually


class Server:
    """As much of one as a broom needs."""

    calls = 0
    blocks = 1000

    def broom(self) -> Broom:
        return Broom(lambda: not self.calls, lambda: self.blocks)


class Circle:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.itself = self


def watched(act: Callable[[Server, Broom], Coroutine[Any, Any, None]]) -> int:
    """How often everything was swept in an act."""

    async def play() -> int:
        server = Server()
        with server.broom() as broom:
            await act(server, broom)
            return broom.sweeps

    return run_virtually(play())


async def calls_and_then_none(server: Server, broom: Broom) -> None:
    server.calls = 3
    await asyncio.sleep(LOOK_EVERY_S * 3)
    assert not broom.sweeps
    server.calls = 0
    await asyncio.sleep(LOOK_EVERY_S * 3)


async def calls_without_end(server: Server, broom: Broom) -> None:
    server.calls = 3
    await asyncio.sleep(AT_LATEST_S * 3 + LOOK_EVERY_S * 3)


async def much_memory(server: Server, broom: Broom) -> None:
    server.calls = 3
    await asyncio.sleep(LOOK_EVERY_S)
    server.blocks = round(server.blocks * GROWTH) + 1
    await asyncio.sleep(LOOK_EVERY_S * 3)


def test_it_sweeps_once_when_nobody_is_left_on_the_line() -> None:
    assert watched(calls_and_then_none) == 1


def test_where_somebody_always_is_it_sweeps_now_and_then() -> None:
    assert watched(calls_without_end) == 3


def test_memory_that_grows_does_not_wait() -> None:
    assert watched(much_memory) == 1


def test_a_circle_is_freed_and_what_was_there_before_is_passed_by() -> None:
    async def act(server: Server, broom: Broom) -> None:
        assert gc.get_freeze_count() > 0
        circle = weakref.ref(Circle())
        await calls_and_then_none(server, broom)
        assert circle() is None

    assert watched(act) == 1


def test_behind_it_the_collector_is_as_it_was() -> None:
    before = gc.get_threshold()

    async def act(server: Server, broom: Broom) -> None:
        assert gc.get_threshold() != before
        # Everything in middle age is left alone, too.
        assert gc.get_threshold()[1] == gc.get_threshold()[2]

    watched(act)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() == 0
