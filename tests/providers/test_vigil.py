import asyncio
import math
from collections.abc import Awaitable
from typing import TypeVar
from unittest.mock import patch

import pytest

from mediasrv.providers.vigil import Vigil
from tests.virtual import run_virtually

T = TypeVar("T")


async def wait_a_second(awaited: Awaitable[T]) -> T:
    return await Vigil(1.0).wait(awaited)


def test_what_comes_in_time_is_returned() -> None:
    assert run_virtually(wait_a_second(asyncio.sleep(0.9, "there"))) == "there"


def test_what_does_not_come_is_cancelled() -> None:
    async def wait() -> bool:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await Vigil(1.0).wait(never)
        assert asyncio.get_running_loop().time() == 1.0
        return never.cancelled()

    assert run_virtually(wait())


def test_a_wait_may_be_broken_off_from_outside_and_the_next_begins_anew() -> None:
    async def wait() -> None:
        vigil, loop = Vigil(math.inf), asyncio.get_running_loop()
        vigil.break_off()
        assert await vigil.wait(asyncio.sleep(1, "there")) == "there"
        loop.call_later(2, vigil.break_off)
        loop.call_later(2, vigil.break_off)
        with pytest.raises(TimeoutError):
            await vigil.wait(asyncio.sleep(100))
        assert loop.time() == 3.0
        assert await vigil.wait(asyncio.sleep(100, "again")) == "again"

    run_virtually(wait())


def test_an_excuse_is_good_for_as_long_again() -> None:
    async def wait() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(TimeoutError):
            await Vigil(1.0, lambda: loop.time() < 3.5).wait(asyncio.sleep(100))
        return loop.time()

    assert run_virtually(wait()) == 4.0


def test_the_limit_may_change_from_one_wait_to_the_next() -> None:
    async def wait() -> None:
        vigil = Vigil(1.0)
        await vigil.wait(asyncio.sleep(0.5))
        vigil.limit_s = 3.0
        await vigil.wait(asyncio.sleep(2.5))

    run_virtually(wait())


def test_what_is_awaited_may_fail() -> None:
    async def fail() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        run_virtually(wait_a_second(fail()))


def test_one_timer_serves_many_waits() -> None:
    async def wait() -> None:
        vigil, loop = Vigil(1.0), asyncio.get_running_loop()
        with patch.object(loop, "call_at", wraps=loop.call_at) as set_timer:
            for _ in range(100):
                done: asyncio.Future[None] = loop.create_future()
                done.set_result(None)
                await vigil.wait(done)
            assert set_timer.call_count == 1

    run_virtually(wait())


def test_a_wait_that_began_when_the_timer_was_set_already_lasts_as_long_as_any() -> None:
    async def wait() -> float:
        vigil, loop = Vigil(1.0), asyncio.get_running_loop()
        await vigil.wait(asyncio.sleep(0.7))
        with pytest.raises(TimeoutError):
            await vigil.wait(asyncio.sleep(100))
        return loop.time()

    assert run_virtually(wait()) == 1.7


def test_a_shorter_limit_holds_from_the_next_wait_on() -> None:
    async def wait() -> float:
        vigil, loop = Vigil(10.0), asyncio.get_running_loop()
        await vigil.wait(asyncio.sleep(0.5))
        vigil.limit_s = 1.0
        with pytest.raises(TimeoutError):
            await vigil.wait(asyncio.sleep(100))
        return loop.time()

    assert run_virtually(wait()) == 1.5


def test_a_wait_may_be_put_off() -> None:
    async def wait() -> float:
        vigil, loop = Vigil(1.0), asyncio.get_running_loop()
        loop.call_later(0.5, vigil.put_off, 3.0)
        with pytest.raises(TimeoutError):
            await vigil.wait(asyncio.sleep(100))
        return loop.time()

    assert run_virtually(wait()) == 3.0


def test_a_timer_that_finds_no_wait_does_nothing() -> None:
    async def wait() -> None:
        vigil = Vigil(1.0)
        await vigil.wait(asyncio.sleep(0.5))
        await asyncio.sleep(5)
        await vigil.wait(asyncio.sleep(0.9))

    run_virtually(wait())


def test_who_was_kept_waiting_may_wait_again() -> None:
    async def wait() -> str:
        vigil = Vigil(1.0)
        with pytest.raises(TimeoutError):
            await vigil.wait(asyncio.sleep(100))
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        return await vigil.wait(asyncio.sleep(0.5, "there"))

    assert run_virtually(wait()) == "there"


@pytest.mark.parametrize("cancelled_at_s", [0.5, 1.0])
def test_who_is_cancelled_by_somebody_else_is_not_told_of_a_limit(cancelled_at_s: float) -> None:
    async def wait() -> bool:
        task = asyncio.create_task(wait_a_second(asyncio.sleep(100)))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_at(cancelled_at_s, task.cancel)
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtually(wait())


def test_what_is_awaited_may_come_nevertheless() -> None:
    async def stubborn() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return "there"
        return ""

    async def wait() -> str:
        return await Vigil(1.0).wait(stubborn())

    assert run_virtually(wait()) == "there"


def test_where_it_has_ended_no_timer_is_left() -> None:
    async def wait() -> float:
        vigil = Vigil(1000.0)
        await vigil.wait(asyncio.sleep(0.5))
        vigil.end()
        vigil.end()
        return asyncio.get_running_loop().time()

    assert run_virtually(wait()) == 0.5
