"""A fleet as it is run: processes, HAProxy with the shipped configuration, Redis; and what befalls it.

One of the three has a clock that is an hour fast, in all of it.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from mediasrv.fleet.options import FleetOptions
from mediasrv.fleet.registry import BEAT_S, DEAD_MS
from tests.fleet.plivo import Caller, node_in
from tests.fleet.processes import MAX_CALLS, Fleet, Site, fleet, has_programs
from tests.patience import WAIT_S

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,
    pytest.mark.timeout(3 * WAIT_S),
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(not has_programs(), reason="needs haproxy and redis-server: apt-get install them"),
]
NAMES = ("a", "b", "c")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fleet]:
    async with fleet(tmp_path_factory.mktemp("fleet"), dict.fromkeys(NAMES, Site()), fast="c") as whole:
        yield whole


def node_of(callers: list[Caller], name: str) -> list[Caller]:
    return [each for each in callers if each.nodes[-1] == name]


async def lost(there: Fleet, names: str) -> float:
    """How many calls these nodes have told as lost with others."""
    return sum([await there.nodes[name].figure("mediasrv_fleet_lost_calls_total") for name in names])


async def test_questions_that_come_at_once_never_take_more_than_the_slots(there: Fleet) -> None:
    calls = [f"burst-{number}" for number in range(40)]
    documents = await asyncio.gather(*(there.plivo.answer(each) for each in calls))
    assert Counter(map(node_in, documents)) == {**dict.fromkeys(NAMES, MAX_CALLS), "": 40 - 3 * MAX_CALLS}
    assert sum("All our lines are busy" in each for each in documents) == 40 - 3 * MAX_CALLS
    # Who hangs up before his stream has come frees his slot at once, whoever is told.
    await asyncio.gather(*(there.plivo.hung_up(each) for each in calls))
    await there.counts(dict.fromkeys(NAMES, 0))


async def test_any_node_answers_for_any_call(there: Fleet) -> None:
    callers = await there.callers(6)
    assert Counter(each.nodes[0] for each in callers) == dict.fromkeys(NAMES, 2)
    assert all([await each.press() for each in callers])
    for asked in there.nodes.values():
        status, listed = await asked.get("/calls")
        assert status == 200
        assert {call["id"] for call in json.loads(listed)["calls"]} == {each.call_id for each in callers}
        pages, after = [], ""
        while page := json.loads((await asked.get(f"/calls?most=4{after}"))[1])["calls"]:
            pages += [call["id"] for call in page]
            after = f"&after={page[-1]['id']}"
        assert sorted(pages) == sorted(each.call_id for each in callers)
        for each in callers:
            status, shown = await asked.get(f"/calls/{each.call_id}")
            assert (status, json.loads(shown)["id"]) == (200, each.call_id)
            # Only who has a call can say that it cannot be handed over for want of an account.
            status, told = await asked.get(f"/calls/{each.call_id}/transfer", "POST", {"to": "+912212345678"})
            assert (status, json.loads(told)["error"]["code"]) == (503, "no_carrier_api")
    here, elsewhere = there.nodes["a"], node_of(callers, "b")
    assert (await here.get(f"/calls/{elsewhere[0].call_id}", "DELETE"))[0] == 202
    await asyncio.wait_for(elsewhere[0].is_over.wait(), WAIT_S)
    await asyncio.wait_for(elsewhere[1].hang_up(at=here.address), WAIT_S)
    assert elsewhere[0].heard == []
    await there.are_over(callers)


async def test_a_dead_node_is_missed_within_five_seconds() -> None:
    # The others look at every beat of theirs.
    assert DEAD_MS / 1000 + BEAT_S + FleetOptions().redis_within_ms / 1000 < 5


@pytest.mark.parametrize("death", [signal.SIGSTOP, signal.SIGKILL], ids=["paused", "killed"])
async def test_without_redis_calls_go_on_and_new_ones_are_answered_where_they_land(
    there: Fleet, death: signal.Signals
) -> None:
    callers = await there.callers(3)
    there.redis.tell(death)
    landed = [there.caller() for _ in NAMES]
    async with asyncio.timeout(WAIT_S):
        for name, each in zip(NAMES, landed, strict=True):
            await each.dial(at=there.nodes[name].address)
    assert [each.nodes for each in landed] == [["a"], ["b"], ["c"]]
    assert all([await each.press() for each in callers])
    await asyncio.wait_for(callers[0].hang_up(), WAIT_S)
    if death is signal.SIGSTOP:
        there.redis.tell(signal.SIGCONT)
    else:
        there.redis.stop()
        await there.redis.start()
    await there.counts(Counter(each.nodes[0] for each in callers[1:] + landed))
    assert all([await each.press() for each in callers[1:] + landed])
    await there.are_over(callers + landed)


async def test_a_node_that_is_cut_from_redis_keeps_its_calls_and_is_known_again_when_it_is_back(there: Fleet) -> None:
    callers = await there.callers(6)
    there.lines["a to redis"].cut()
    await there.counts({"a": -1, "b": 2, "c": 2})
    staying, leaving = node_of(callers, "a")
    assert await staying.press()
    await asyncio.wait_for(leaving.hang_up(at=there.nodes["a"].address), WAIT_S)
    alone = there.caller()
    await asyncio.wait_for(alone.dial(at=there.nodes["a"].address), WAIT_S)
    others = there.caller()
    await asyncio.wait_for(others.dial(at=there.nodes["b"].address), WAIT_S)
    assert (alone.nodes, others.nodes[0] in "bc") == (["a"], True)
    there.lines["a to redis"].mend()
    await there.counts(Counter(each.nodes[0] for each in [*callers, alone, others] if each is not leaving))
    await there.are_over([*callers, alone, others])


async def test_callers_whom_a_node_does_not_hear_are_taken_by_another(there: Fleet) -> None:
    callers = await there.callers(3)
    (cut,) = node_of(callers, "c")
    there.lines["haproxy to c"].cut()
    # The registry knows no better than that there is room, for the others reach the node.
    new = await there.callers(4)
    assert {each.nodes[-1] for each in new} <= {"a", "b"}
    assert not any(each.heard for each in new)
    there.lines["haproxy to c"].mend()
    async with asyncio.timeout(WAIT_S):
        assert await cut.press()
    assert len(cut.nodes) == 1
    await there.are_over(callers + new)


async def test_who_lost_his_node_is_taken_over_all_others_are_unhurt_and_what_is_left_drains(there: Fleet) -> None:
    callers = await there.callers(6)
    (asking, silent), others = node_of(callers, "b"), node_of(callers, "a") + node_of(callers, "c")
    # One carrier asks how the call goes on, and one hangs up when a stream breaks.
    silent.is_leaving = True
    heard, told = asking.frames, await lost(there, "ac")
    killed_s = asyncio.get_running_loop().time()
    there.nodes["b"].kill()
    async with asyncio.timeout(WAIT_S):
        await asking.hears_more(heard)
        assert await asking.press()
    assert [each for each in asking.nodes if each != "b"] in (["a"], ["c"])
    await there.counts({"b": -1})
    print(f"a dead node was missed after {asyncio.get_running_loop().time() - killed_s:.2f} s")
    async with asyncio.timeout(WAIT_S):
        while await lost(there, "ac") != told + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert any(f"a call is lost call={silent.call_id}" in there.nodes[name].log() for name in "ac")
    assert all([await each.press() for each in others])
    assert [(len(each.nodes), each.heard) for each in others] == [(1, [])] * 4
    # Two are left, of which one drains: it gets no new call and finishes its own.
    del there.nodes["b"]
    there.nodes["a"].tell(signal.SIGTERM)
    async with asyncio.timeout(WAIT_S):
        while (await there.nodes["a"].get("/readyz"))[1] != "draining\n":  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    more = await there.callers(1)
    assert (more[0].nodes, more[0].heard) == (["c"], [])
    staying = node_of([*others, asking], "a")
    assert all([await each.press() for each in staying])
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*(each.hang_up() for each in staying))
    assert await there.nodes.pop("a").drained() == 0
    await there.are_over([*callers, *more])
