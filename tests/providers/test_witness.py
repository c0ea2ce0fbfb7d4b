from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import pytest

from mediasrv.errors import ProviderError
from mediasrv.providers.crew import Crew
from mediasrv.providers.hedge import Fate
from mediasrv.providers.witness import Outcome, ProviderRequest, Requests, set_witness
from tests.call.stage import Stage, Watch, agent_options, perform
from tests.providers.test_crew import PATIENCE, Actor
from tests.virtual import run_virtually


def witnessed(act: Callable[[], Coroutine[Any, Any, object]]) -> list[tuple[str, Outcome, float | None]]:
    """What was told of each request: the provider, the outcome and the seconds to its first answer."""
    told: list[ProviderRequest] = []

    async def play() -> None:
        set_witness(told.append)
        with suppress(ProviderError):
            await act()

    run_virtually(play())
    return [(each.provider, each.outcome, each.first_s and round(each.first_s - each.began_s, 3)) for each in told]


async def heard_out(crew: Crew[Actor], most: int = 9) -> None:
    async with aclosing(crew.ask(Actor.answer)) as stream:
        async for _ in stream:
            most -= 1
            if not most:
                return


def crew_of(*actors: Actor, **changes: int) -> Crew[Actor]:
    return Crew("llm", actors, replace(PATIENCE, **changes))


@pytest.mark.parametrize(
    ("actors", "told"),
    [
        ((Actor("a"),), [("a", Outcome.ANSWERED, 0.1)]),
        ((Actor("a", -0.1), Actor("b")), [("a", Outcome.FAILED, None), ("b", Outcome.ANSWERED, 0.1)]),
        ((Actor("a", 9), Actor("b")), [("a", Outcome.OVERTAKEN, None), ("b", Outcome.ANSWERED, 0.1)]),
        ((Actor("a", gap_s=9), Actor("b")), [("a", Outcome.FAILED, 0.1)]),
    ],
)
def test_each_request_is_told_once_with_what_became_of_it(
    actors: tuple[Actor, ...], told: list[tuple[str, Outcome, float | None]]
) -> None:
    assert witnessed(lambda: heard_out(crew_of(*actors))) == told


def test_who_is_not_heard_out_was_cut() -> None:
    assert witnessed(lambda: heard_out(crew_of(Actor("a")), most=1)) == [("a", Outcome.CUT, 0.1)]


def test_who_is_not_waited_for_was_dropped() -> None:
    async def give_up() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.05):
                await heard_out(crew_of(Actor("a")))

    assert witnessed(give_up) == [("a", Outcome.DROPPED, None)]


def test_those_who_hang_have_failed_and_are_counted() -> None:
    fates: list[tuple[str, str, Fate]] = []

    async def wait() -> None:
        crew = Crew("llm", [Actor("a", 99), Actor("b", 99)], replace(PATIENCE, limit_ms=5000), settled=_into(fates))
        await heard_out(crew)

    assert witnessed(wait) == [("a", Outcome.FAILED, None), ("b", Outcome.FAILED, None)]
    assert fates == [("llm", "a", Fate.FAILED), ("llm", "b", Fate.FAILED)]


def _into(fates: list[tuple[str, str, Fate]]) -> Callable[[str, str, Fate], None]:
    return lambda *settled: fates.append(settled)


def test_what_was_never_begun_does_not_end() -> None:
    async def play() -> None:
        made = Requests("llm")
        made.answer("x")
        made.end("x", Outcome.FAILED)

    assert witnessed(play) == []


def test_a_call_tells_of_its_recogniser_its_model_and_its_voice() -> None:
    class Witness(Watch):
        def requested(self, call_id: str, request: ProviderRequest) -> None:
            told.append((call_id, request))

    told: list[tuple[str, ProviderRequest]] = []

    async def act(stage: Stage) -> None:
        await stage.be_quiet(1)
        await stage.speak()
        await stage.be_quiet(6)
        stage.hang_up()
        await stage.running

    perform(act, agent_options(greeting="Good day."), watch=Witness())
    assert {call for call, _ in told} == {"call-1"}
    kinds = {(each.stage, each.provider, each.outcome) for _, each in told}
    assert kinds >= {(stage, "scripted", Outcome.ANSWERED) for stage in ("stt", "llm", "tts")}
    assert [each.stage for _, each in told][-1] == "stt"
    assert all(each.began_s <= (each.first_s or each.began_s) <= each.ended_s for _, each in told)
