import asyncio
import gc
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest

from mediasrv.errors import ProviderError
from mediasrv.providers.hedge import Attempt, Fate, Race
from tests.virtual import run_virtually


@dataclass
class Source:
    """A stream that gives its name after a while, twice, or fails."""

    name: str
    first_s: float
    error: Exception | None = None
    empty: bool = False
    log: list[str] = field(default_factory=list)

    async def stream(self) -> AsyncGenerator[str]:
        self.log.append("opened")
        try:
            await asyncio.sleep(self.first_s)
            if self.error is not None:
                raise self.error
            if not self.empty:
                yield self.name
                await asyncio.sleep(0.1)
                yield self.name
        finally:
            self.log.append("closed")

    def attempt(self, deadline_s: float = 1.0) -> Attempt[str]:
        def settle(fate: Fate, waited_s: float) -> None:
            self.log.append(f"{fate.name.lower()} {waited_s:.1f}")

        return Attempt(self.stream, deadline_s, settle)


def failure(name: str) -> ProviderError:
    return ProviderError("no", stage="llm", provider=name, retryable=True)


async def hedged(attempts: Sequence[Attempt[str]]) -> AsyncGenerator[str]:
    """What whoever runs a race gets to see."""
    race = Race(attempts)
    try:
        stream, item = await race.run()
        if item is not None:
            yield item
            async for later in stream:
                yield later
    finally:
        await race.aclose()


async def race(sources: Sequence[Source]) -> tuple[list[str], float]:
    loop = asyncio.get_running_loop()
    items: list[str] = []
    first_s = -1.0
    async for item in hedged([source.attempt() for source in sources]):
        first_s = loop.time() if first_s < 0 else first_s
        items.append(item)
    return items, first_s


def test_a_quick_answer_needs_no_second_request() -> None:
    first, second = Source("a", 0.5), Source("b", 0.1)
    assert run_virtually(race([first, second])) == (["a", "a"], 0.5)
    assert second.log == []
    assert first.log == ["opened", "answered 0.5", "closed"]


def test_after_the_deadline_the_second_may_overtake() -> None:
    first, second = Source("a", 5.0), Source("b", 0.5)
    assert run_virtually(race([first, second])) == (["b", "b"], 1.5)
    assert first.log == ["opened", "overtaken 1.5", "closed"]
    assert second.log == ["opened", "answered 0.5", "closed"]


def test_the_first_may_still_win_after_its_deadline() -> None:
    first, second = Source("a", 1.2), Source("b", 0.5)
    assert run_virtually(race([first, second])) == (["a", "a"], 1.2)
    assert second.log == ["opened", "overtaken 0.2", "closed"]


def test_a_failure_is_followed_by_the_next_attempt_at_once() -> None:
    first, second = Source("a", 0.2, failure("a")), Source("b", 0.5)
    assert run_virtually(race([first, second])) == (["b", "b"], 0.7)
    assert first.log == ["opened", "closed", "failed 0.2"]


def test_a_failure_at_once_is_followed_by_one_attempt() -> None:
    async def act() -> tuple[list[str], float]:
        return await race([Source("a", 0.0, failure("a")), Source("b", 0.0, failure("b")), second, third])

    second, third = Source("c", 0.5), Source("d", 0.1)
    assert run_virtually(act()) == (["c", "c"], 0.5)
    assert third.log == []


def test_when_the_hedge_fails_the_first_is_still_waited_for() -> None:
    first, second = Source("a", 3.0), Source("b", 0.5, failure("b"))
    assert run_virtually(race([first, second])) == (["a", "a"], 3.0)


def test_when_all_fail_the_last_error_is_raised() -> None:
    with pytest.raises(ProviderError, match="provider b"):
        run_virtually(race([Source("a", 0.2, failure("a")), Source("b", 0.2, failure("b"))]))


def test_an_error_that_is_no_providers_is_raised_at_once() -> None:
    second = Source("b", 0.1)
    with pytest.raises(ZeroDivisionError):
        run_virtually(race([Source("a", 0.2, ZeroDivisionError()), second]))
    assert second.log == []


def test_a_stream_without_items_has_given_its_answer() -> None:
    second = Source("b", 0.1)
    assert run_virtually(race([Source("a", 0.2, empty=True), second])) == ([], -1.0)
    assert second.log == []


def test_a_failure_after_the_first_item_is_the_readers() -> None:
    async def breaking() -> AsyncGenerator[str]:
        yield "half"
        raise failure("a")

    async def read() -> list[str]:
        items: list[str] = []
        attempt = Attempt(breaking, 1.0, lambda fate, waited_s: None)
        stream = hedged([attempt, Source("b", 0.1).attempt()])
        items.append(await anext(stream))
        with pytest.raises(ProviderError):
            await anext(stream)
        return items

    assert run_virtually(read()) == ["half"]


@pytest.mark.parametrize("cancel_at_s", [0.5, 1.3, 2.05])
def test_cancelling_closes_all_that_is_open(cancel_at_s: float) -> None:
    first, second = Source("a", 9.0), Source("b", 1.0)

    async def cancel() -> None:
        reading = asyncio.create_task(race([first, second]))
        await asyncio.sleep(cancel_at_s)
        reading.cancel()
        await asyncio.wait([reading])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(cancel())
    for source in (first, second):
        assert source.log.count("opened") == source.log.count("closed")


def test_a_loser_that_fails_in_the_same_moment_is_complained_of_by_nobody() -> None:
    complaints: list[dict[str, Any]] = []

    async def act() -> list[str]:
        asyncio.get_running_loop().set_exception_handler(lambda _, complaint: complaints.append(complaint))
        attempts = [Source("a", 0.5).attempt(0.25), Source("b", 0.25, failure("b")).attempt()]
        items = [item async for item in hedged(attempts)]
        gc.collect()
        return items

    assert run_virtually(act()) == ["a", "a"]
    assert complaints == []


def test_who_is_cancelled_twice_leaves_no_stream_open() -> None:
    closed: list[str] = []

    async def slow_to_close(name: str) -> AsyncGenerator[str]:
        try:
            await asyncio.sleep(100)
            yield name
        finally:
            await asyncio.sleep(1)
            closed.append(name)

    async def act() -> None:
        attempts = [Attempt(partial(slow_to_close, name), 1.0, lambda fate, waited_s: None) for name in "ab"]
        reading = asyncio.create_task(anext(hedged(attempts)))
        for wait_s in (2.0, 0.5):
            await asyncio.sleep(wait_s)
            reading.cancel()
        await asyncio.wait([reading])
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(act())
    assert sorted(closed) == ["a", "b"]
