import asyncio
import math
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from itertools import cycle

import pytest

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Provider
from mediasrv.providers.breaker import FAILURES_TO_OPEN
from mediasrv.providers.crew import Crew, Member, Patience
from tests.virtual import run_virtually

PATIENCE = Patience(first_min_ms=300, first_max_ms=2000, limit_ms=10**6, gap_ms=1000, extra_percent=12)


class Actor(Provider):
    """Answers with its name after delays taken in turn; a negative one is a failure after that long."""

    def __init__(self, name: str, *delays_s: float, gap_s: float = 0.0) -> None:
        super().__init__(None)
        self.name = name  # type: ignore[misc]
        self.asked = 0
        self.started = self.closed = 0
        self.start_error: Exception | None = None
        self._delays_s = cycle(delays_s or (0.1,))
        self._gap_s = gap_s

    async def start(self) -> None:
        self.started += 1
        if self.start_error is not None:
            raise self.start_error

    async def aclose(self) -> None:
        self.closed += 1

    async def answer(self) -> AsyncGenerator[str]:
        self.asked += 1
        delay_s = next(self._delays_s)
        await asyncio.sleep(abs(delay_s))
        if delay_s < 0:
            raise ProviderError("no", stage="llm", provider=self.name, retryable=True)
        yield self.name
        await asyncio.sleep(self._gap_s)
        yield self.name


async def ask(crew: Crew[Actor]) -> tuple[list[str], float]:
    begun = asyncio.get_running_loop().time()
    items: list[str] = []
    first_s = math.nan
    async with aclosing(crew.ask(Actor.answer)) as stream:
        async for item in stream:
            first_s = first_s if items else asyncio.get_running_loop().time() - begun
            items.append(item)
    return items, first_s


def crew_of(*actors: Actor) -> Crew[Actor]:
    return Crew("llm", actors, PATIENCE)


def test_the_first_is_asked_alone_while_it_is_quick() -> None:
    first, second = Actor("a"), Actor("b")
    assert run_virtually(ask(crew_of(first, second)))[0] == ["a", "a"]
    assert second.asked == 0


def test_a_failure_is_answered_by_the_next_and_costs_no_extra_request() -> None:
    crew = crew_of(Actor("a", -0.1), Actor("b"))
    assert run_virtually(ask(crew))[0] == ["b", "b"]
    assert (crew.requests, crew.failures, crew.extra_requests) == (1, 1, 0)


def test_one_that_keeps_failing_is_left_alone() -> None:
    first = Actor("a", -0.1)
    crew = crew_of(first, Actor("b"))

    async def many() -> None:
        for _ in range(FAILURES_TO_OPEN + 5):
            assert (await ask(crew))[0] == ["b", "b"]

    run_virtually(many())
    assert first.asked == FAILURES_TO_OPEN


def test_when_none_may_be_asked_all_are() -> None:
    crew = crew_of(Actor("a", -0.1), Actor("b", -0.1))

    async def many() -> None:
        for _ in range(FAILURES_TO_OPEN + 2):
            with pytest.raises(ProviderError, match="provider b"):
                await ask(crew)

    run_virtually(many())
    assert crew.failures == 2 * (FAILURES_TO_OPEN + 2)


def test_silence_in_the_middle_is_a_failure() -> None:
    with pytest.raises(ProviderError, match="stopped in the middle"):
        run_virtually(ask(crew_of(Actor("a", 0.1, gap_s=5.0))))


def test_a_crew_of_one_asks_the_same_again() -> None:
    actor = Actor("a", 5.0, 0.1)
    crew = crew_of(actor)

    async def twice() -> float:
        crew.requests = 100
        return (await ask(crew))[1]

    assert run_virtually(twice()) == pytest.approx(PATIENCE.first_max_ms / 1000 + 0.1)
    assert actor.asked == 2
    assert crew.extra_requests == 0 or crew.requests > 100


def test_hedging_cuts_the_tail_within_its_share_of_extra_requests() -> None:
    # Median half a second, one in a hundred over five seconds.
    draw = random.Random(1)
    delays_s = [0.5 * math.exp(draw.gauss(0, math.log(10) / 2.326)) for _ in range(5000)]

    async def first_tokens(crew: Crew[Actor]) -> list[float]:
        return sorted([(await ask(crew))[1] for _ in range(4000)])

    def p99_with(patience: Patience) -> tuple[float, Crew[Actor]]:
        crew = Crew("llm", [Actor("a", *delays_s)], patience)
        return run_virtually(first_tokens(crew))[3960], crew

    unhedged = replace(PATIENCE, first_min_ms=10**6, first_max_ms=10**6, extra_percent=0)
    plain_s, _ = p99_with(unhedged)
    hedged_s, crew = p99_with(replace(PATIENCE, first_max_ms=10_000))
    assert hedged_s <= 0.61 * plain_s
    assert crew.extra_requests <= 0.12 * crew.requests


def test_without_time_for_hedging_only_what_hangs_is_asked_again() -> None:
    first, second = Actor("a", *[0.1] * 50, 1.9, 2.1), Actor("b")
    crew = Crew("llm", [first, second], PATIENCE, may_hedge=lambda: False)

    async def ask_often() -> None:
        for _ in range(52):
            await ask(crew)

    run_virtually(ask_often())
    assert (crew.extra_requests, second.asked) == (1, 1)


def test_silence_is_waited_out_as_long_as_there_is_an_excuse() -> None:
    async def patiently() -> list[str]:
        now = asyncio.get_running_loop().time
        crew = crew_of(Actor("a", 0.1, gap_s=4.8))
        async with aclosing(crew.ask(Actor.answer, excuse=lambda: now() < 4.5)) as stream:
            return [item async for item in stream]

    assert run_virtually(patiently()) == ["a", "a"]


def test_whoever_stops_in_the_middle_is_asked_last_the_next_time() -> None:
    first, second = Actor("a", 0.1, gap_s=5.0), Actor("b")
    crew = crew_of(first, second)

    async def twice() -> list[str]:
        broken: list[Member[Actor]] = []
        with pytest.raises(ProviderError, match="stopped in the middle"):
            _ = [item async for item in crew.ask(Actor.answer, broken=broken)]
        assert broken == crew.members[:1]
        return [item async for item in crew.ask(Actor.answer, broken=broken)]

    assert run_virtually(twice()) == ["b", "b"]
    assert first.asked == 1


def test_whoever_always_begins_and_always_stops_is_left_alone() -> None:
    first = Actor("a", 0.1, gap_s=5.0)
    crew = crew_of(first, Actor("b"))

    async def many() -> None:
        for _ in range(FAILURES_TO_OPEN):
            with pytest.raises(ProviderError):
                await ask(crew)
        assert (await ask(crew))[0] == ["b", "b"]

    run_virtually(many())


def test_when_nobody_answers_the_wait_has_an_end() -> None:
    actor = Actor("a", 1000.0)
    crew = Crew("llm", [actor], replace(PATIENCE, limit_ms=6000))

    async def wait() -> float:
        with pytest.raises(ProviderError, match="gave no answer"):
            await ask(crew)
        return asyncio.get_running_loop().time()

    assert run_virtually(wait()) == 6.0
    assert actor.asked == 2


def test_whoever_hangs_is_left_alone() -> None:
    first = Actor("a", 1000.0)
    crew = crew_of(first, Actor("b"))

    async def many() -> float:
        for _ in range(FAILURES_TO_OPEN):
            assert (await ask(crew))[0] == ["b", "b"]
        return (await ask(crew))[1]

    assert run_virtually(many()) == pytest.approx(0.1)
    assert first.asked == FAILURES_TO_OPEN


def test_an_engine_that_all_requests_share_is_not_asked_twice_for_being_slow() -> None:
    class Engine(Actor):
        is_elastic = False

    slow, failing = Engine("a", 5.0), Engine("b", -0.1, 0.1)
    assert run_virtually(ask(crew_of(slow)))[0] == ["a", "a"]
    assert slow.asked == 1
    assert run_virtually(ask(crew_of(failing)))[0] == ["b", "b"]


def test_what_one_cannot_do_keeps_no_other_from_it() -> None:
    done: list[str] = []

    async def act(actor: Actor) -> None:
        if actor.name == "a":
            raise ProviderError("no", stage="llm", provider="a", retryable=True)
        done.append(actor.name)

    run_virtually(crew_of(Actor("a"), Actor("b")).each(act))
    assert done == ["b"]


def test_what_all_do_is_done_at_a_time() -> None:
    async def waited_s() -> float:
        begun = asyncio.get_running_loop().time()
        await crew_of(Actor("a"), Actor("b"), Actor("c")).each(lambda actor: asyncio.sleep(1.0))
        return asyncio.get_running_loop().time() - begun

    assert run_virtually(waited_s()) == pytest.approx(1.0)


def test_all_are_started_and_stopped() -> None:
    actors = Actor("a"), Actor("b")

    async def live() -> None:
        crew = crew_of(*actors)
        await crew.start()
        await crew.aclose()

    run_virtually(live())
    assert [(actor.started, actor.closed) for actor in actors] == [(1, 1), (1, 1)]
    assert crew_of(*actors).name == "a, b"


@pytest.mark.parametrize(
    "error", [ConfigError("mend it"), ProviderError("mend it", stage="llm", provider="b", retryable=False)]
)
def test_one_that_cannot_start_stops_the_others(error: Exception) -> None:
    first, second = Actor("a"), Actor("b")
    second.start_error = error
    with pytest.raises(ConfigError, match="mend it"):
        run_virtually(crew_of(first, second).start())
    assert first.closed == 1
