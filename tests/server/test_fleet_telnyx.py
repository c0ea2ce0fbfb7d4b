"""Telnyx's calls in a fleet: whoever hears of one has a server with room take it, and each word reaches that server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from mediasrv.call.control import HandoverOrder, HandoverOutcome
from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.telnyx import TelnyxCarrier
from mediasrv.carriers.telnyx_rest import client_state, handover_state
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.handover import Party
from mediasrv.server.telnyx import TelnyxDesk
from tests.carriers.apis import FakeTelnyx, serving
from tests.fleet.conftest import RedisServer, redis
from tests.patience import until
from tests.server.test_fleetgate import Fleet, fleet, in_haste
from tests.server.test_telnyx import KEY, OURS, Telnyx

__all__ = ["in_haste", "redis"]


class Lines:
    """Telnyx, which may tell any of two servers."""

    def __init__(self, there: Fleet, api: FakeTelnyx) -> None:
        self.there, self.api = there, api
        self._count = 0

    async def tell(self, node: str, event: str, call_id: str, **payload: Any) -> None:
        self._count += 1
        line = Telnyx(self.there.stages[node], self.api)
        assert await line.tell(event, name=f"word {self._count}", call_control_id=call_id, **payload) == 200

    async def ring(self, node: str, call_id: str) -> None:
        await self.tell(node, "call.initiated", call_id, direction="incoming")

    async def told(self, count: int, command: str) -> list[tuple[str, Mapping[str, Any]]]:
        """What so many calls were told to do, with what."""
        await until(lambda: sum(each.path.endswith(f"/{command}") for each in self.api.asked) >= count)
        return [(each.path.split("/")[3], each.given) for each in self.api.asked if each.path.endswith(f"/{command}")]

    def room_at(self, node: str) -> int:
        """Calls that a server has, or waits for."""
        calls = self.there.stages[node].service._calls
        return calls._admission.occupied(asyncio.get_running_loop().time())

    def desk(self, node: str) -> TelnyxDesk:
        desk = self.there.stages[node].service._webhooks[1]
        assert isinstance(desk, TelnyxDesk)
        return desk


@pytest.fixture
async def lines(redis: RedisServer) -> AsyncIterator[Lines]:
    async with _lines(redis) as there:
        yield there


@asynccontextmanager
async def _lines(redis: RedisServer) -> AsyncIterator[Lines]:
    api = FakeTelnyx()
    async with serving(api) as url:

        def more() -> Mapping[str, Any]:
            carrier = TelnyxCarrier(TelnyxOptions(api_key="KEY", public_key=KEY, api_url=url))
            return {"others": [carrier], "means": Means(token="", board=Board())}

        async with fleet(redis, "ab", more=more) as there:
            yield Lines(there, api)


async def test_calls_that_are_told_to_one_server_are_shared_and_one_too_many_is_rejected(lines: Lines) -> None:
    for number in range(5):
        await lines.ring("a", f"call-{number}")
    answered = await lines.told(4, "answer")
    rejected = await lines.told(1, "reject")
    assert [call_id for call_id, _ in answered] == [f"call-{number}" for number in range(4)]
    assert [call_id for call_id, _ in rejected] == ["call-4"]
    assert [lines.room_at(node) for node in "ab"] == [2, 2]


async def test_the_stream_is_at_the_server_that_took_the_call_whoever_is_told(lines: Lines) -> None:
    await lines.ring("a", "call-0")
    await lines.ring("a", "call-1")
    owner = "a" if lines.there.stages["a"].service._calls._admission.withdraw("call-0") else "b"
    other = "ab".replace(owner, "")
    await lines.tell(other, "call.answered", "call-0", client_state=OURS)
    ((_, stream),) = await lines.told(1, "streaming_start")
    assert stream["stream_url"].startswith(f"wss://{owner}.example.in/")


async def test_who_has_no_room_after_all_is_passed_over(lines: Lines) -> None:
    lines.there.members["a"].accepts = lambda: True
    lines.there.stages["a"].service._calls._admission.is_draining = True
    for number in range(3):
        await lines.ring("a", f"call-{number}")
    assert [call_id for call_id, _ in await lines.told(2, "answer")] == ["call-0", "call-1"]
    assert [call_id for call_id, _ in await lines.told(1, "reject")] == ["call-2"]
    assert lines.room_at("b") == 2


async def test_without_redis_whoever_is_told_answers_or_rejects(redis: RedisServer, lines: Lines) -> None:
    redis.stop()
    await until(lambda: lines.there.members["a"].is_alone)
    for number in range(3):
        await lines.ring("a", f"call-{number}")
    assert [call_id for call_id, _ in await lines.told(2, "answer")] == ["call-0", "call-1"]
    assert [call_id for call_id, _ in await lines.told(1, "reject")] == ["call-2"]
    assert lines.room_at("b") == 0


async def test_a_word_about_the_other_leg_reaches_the_server_that_hands_over(lines: Lines) -> None:
    await lines.tell("a", "call.answered", "caller", client_state=client_state("", "", "inbound"))
    await lines.told(1, "streaming_start")
    await lines.there.members["a"]._registry.claim(["caller"])
    board = lines.desk("a")._board
    assert board is not None
    party = Party(call_id="caller", agent="default", origin="https://a.example.in")
    handover = board.standing.begin(party, HandoverOrder(to="+15550009"), [])
    state = handover_state(handover.name, "caller")
    await lines.tell("b", "call.hangup", "callee", client_state=state, hangup_cause="user_busy")
    assert handover.outcome.result() is HandoverOutcome.BUSY
