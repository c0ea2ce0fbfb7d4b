import asyncio

import pytest

from mediasrv.providers.vigil import Vigil
from tests.virtual import run_virtually


def test_what_comes_in_time_is_returned() -> None:
    assert run_virtually(Vigil(1.0).wait(asyncio.sleep(0.9, "there"))) == "there"


def test_what_does_not_come_is_cancelled() -> None:
    async def wait() -> bool:
        never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await Vigil(1.0).wait(never)
        assert asyncio.get_running_loop().time() == 1.0
        return never.cancelled()

    assert run_virtually(wait())


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
        run_virtually(Vigil(1.0).wait(fail()))
