from __future__ import annotations

from collections import Counter

import pytest

from mediasrv.call.effort import Effort, Work
from mediasrv.call.observer import Observer
from tests.call.stage import Stage, agent_options, perform


class Tally(Observer):
    def __init__(self) -> None:
        self.left_out_works: Counter[str] = Counter()

    def left_out(self, work: str) -> None:
        self.left_out_works[work] += 1


def test_what_is_left_out_is_not_allowed_and_counted() -> None:
    tally = Tally()
    effort = Effort(tally)
    assert all(map(effort.allows, Work))
    effort.leave_out({Work.SPECULATION})
    assert [work for work in Work if not effort.allows(work)] == [Work.SPECULATION]
    effort.leave_out(())
    assert effort.allows(Work.SPECULATION)
    assert tally.left_out_works == {"speculation": 1}


@pytest.mark.parametrize("left_out", [(), (Work.SPECULATION,), tuple(Work)])
def test_a_turn_is_answered_whatever_is_left_out(left_out: tuple[Work, ...]) -> None:
    async def talk(stage: Stage) -> None:
        stage.agency.effort.leave_out(left_out)
        await stage.speak()
        await stage.be_quiet(4)

    stage = perform(talk, agent_options(llm={"replies": ["Yes, it is."]}))
    assert ("bot", "Yes, it is.") in stage.watch.words
    assert bool(stage.watch.prepared) == (not left_out)


def test_a_lead_is_told_while_the_bot_speaks_and_not_when_it_begins_or_goes_on_after_a_hold() -> None:
    leads: list[float] = []

    async def listen(stage: Stage) -> None:
        leads.append(stage.agency.take_least_lead())
        await stage.be_quiet(1)
        leads.append(stage.agency.take_least_lead())
        stage.call._mouth.hold()
        await stage.be_quiet(1)
        stage.call._mouth.resume()
        leads.append(stage.agency.take_least_lead())
        await stage.be_quiet(0.5)
        leads.append(stage.agency.take_least_lead())
        await stage.be_quiet(4)

    perform(listen, agent_options(greeting="Hello, this is a greeting that takes some time to be said."))
    assert leads[0] == leads[2] == float("inf")
    assert 0.12 <= leads[1] <= 0.2
    assert 0.12 <= leads[3] <= 0.2


@pytest.mark.parametrize(("left_out", "least_s"), [((), 0.12), ((Work.SPECULATION,), 0.52)])
def test_more_is_kept_ahead_while_something_is_left_out(left_out: tuple[Work, ...], least_s: float) -> None:
    leads: list[float] = []

    async def listen(stage: Stage) -> None:
        stage.agency.effort.leave_out(left_out)
        await stage.be_quiet(1.5)
        leads.append(stage.agency.take_least_lead())

    perform(listen, agent_options(greeting="Hello, this is a greeting that takes some time to be said."))
    assert least_s <= leads[0] <= least_s + 0.1
