import asyncio
import gc
from typing import Any

import pytest

from mediasrv.providers.stopping import stop
from tests.virtual import run_virtually


async def stubborn(ends: list[float], failure: Exception | None = None) -> None:
    """Take a second to end, and fail then, or not."""
    try:
        await asyncio.sleep(100)
    finally:
        await asyncio.sleep(1)
        ends.append(asyncio.get_running_loop().time())
        if failure is not None:
            raise failure


def test_who_stops_a_task_waits_for_its_end() -> None:
    async def act() -> list[float]:
        ends: list[float] = []
        task = asyncio.create_task(stubborn(ends))
        await asyncio.sleep(1)
        await stop(task)
        assert task.cancelled()
        await stop(task)
        return ends

    assert run_virtually(act()) == [2.0]


def test_what_it_fails_with_is_nobodys_business() -> None:
    complaints: list[dict[str, Any]] = []

    async def act() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        task = asyncio.create_task(stubborn([], ZeroDivisionError()))
        await asyncio.sleep(1)
        await stop(task)
        del task
        gc.collect()

    run_virtually(act())
    assert complaints == []


def test_who_is_cancelled_meanwhile_leaves_no_task_behind() -> None:
    async def act() -> list[float]:
        ends: list[float] = []
        task = asyncio.create_task(stubborn(ends))
        await asyncio.sleep(1)
        stopping = asyncio.create_task(stop(task))
        await asyncio.sleep(0.5)
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        assert task.done()
        return ends

    assert run_virtually(act()) == [2.0]
