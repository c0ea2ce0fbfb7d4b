from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from mediasrv.providers.reader import Reader
from tests.virtual import run_virtually

WAIT_S = 60.0


class Source:
    """Counts, a number a second or all at once, and fails where it is told to."""

    def __init__(self, count: int, every_s: float = 0.0, failure: Exception | None = None) -> None:
        self.count, self.every_s, self.failure = count, every_s, failure
        self.given = 0

    async def items(self) -> AsyncGenerator[int]:
        for number in range(self.count):
            await asyncio.sleep(self.every_s)
            self.given += 1
            yield number
        if self.failure is not None:
            raise self.failure


async def taken(reader: Reader[int]) -> list[int]:
    items: list[int] = []
    while True:
        await reader.wait(WAIT_S)
        item = reader.take()
        if item is None:
            return items
        items.append(item)


@pytest.mark.parametrize("every_s", [0.0, 1.0])
def test_everything_is_read_in_order(every_s: float) -> None:
    async def read() -> list[int]:
        return await taken(Reader(Source(20, every_s).items()))

    assert run_virtually(read()) == [*range(20)]


def test_a_source_may_be_empty() -> None:
    async def read() -> list[int]:
        return await taken(Reader(Source(0).items()))

    assert run_virtually(read()) == []


def test_an_item_is_asked_for_when_the_one_before_was_taken() -> None:
    async def read() -> None:
        source = Source(20)
        reader = Reader(source.items())
        for number in range(3):
            await asyncio.sleep(1)
            assert source.given == number + 1
            assert reader.take() == number
            assert source.given == number + 1
        await reader.aclose()

    run_virtually(read())


def test_a_wait_ends_with_its_limit_and_disturbs_nothing() -> None:
    async def read() -> tuple[list[int], float]:
        reader = Reader(Source(2, 1.0).items())
        for _ in range(3):
            await reader.wait(0.25)
            assert not reader.is_ready
        return await taken(reader), asyncio.get_running_loop().time()

    assert run_virtually(read()) == ([0, 1], 2.0)


def test_a_failure_comes_behind_the_last_item() -> None:
    async def read() -> None:
        reader = Reader(Source(2, failure=ValueError("broken")).items())
        for number in (0, 1):
            await asyncio.sleep(1)
            assert reader.take() == number
        await asyncio.sleep(1)
        with pytest.raises(ValueError, match="broken"):
            reader.take()

    run_virtually(read())


def test_what_nobody_takes_is_stopped_and_no_noise(caplog: pytest.LogCaptureFixture) -> None:
    async def read() -> None:
        for source in (Source(2, 1.0), Source(0, failure=ValueError("broken"))):
            reader = Reader(source.items())
            await asyncio.sleep(0.5)
            await reader.aclose()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(read())
    assert caplog.records == []
