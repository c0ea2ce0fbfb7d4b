import asyncio
import time

import pytest

from tests.virtual import run_virtually


def test_hours_pass_in_no_time() -> None:
    async def sleep() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.sleep(7200)
        return asyncio.get_running_loop().time() - begun

    before = time.monotonic()
    assert run_virtually(sleep()) == pytest.approx(7200)
    assert time.monotonic() - before < 5


def test_timers_fire_in_the_order_of_their_times() -> None:
    async def race() -> list[str]:
        done: list[str] = []

        async def one(name: str, delay_s: float) -> None:
            await asyncio.sleep(delay_s)
            done.append(name)

        await asyncio.gather(one("late", 3), one("early", 1), one("middle", 2))
        return done

    assert run_virtually(race()) == ["early", "middle", "late"]


def test_waiting_for_nothing_fails_at_once() -> None:
    async def wait() -> None:
        await asyncio.Event().wait()

    with pytest.raises((RuntimeError, TimeoutError)):
        run_virtually(wait())
