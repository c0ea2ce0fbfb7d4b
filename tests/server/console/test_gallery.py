"""Visitors are told what calls have to tell: of all calls in short, of one of them everything."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from mediasrv.call.link import CallDetails
from mediasrv.net.sse import EventReader
from mediasrv.records.tables import PARTS
from mediasrv.server.api.fault import Fault
from mediasrv.server.board import Board
from mediasrv.server.console import gallery as galleries
from mediasrv.server.console.gallery import MOST_KEPT, MOST_VISITORS, Gallery
from mediasrv.server.console.visitor import Visitor
from tests.records.stage import trace

DETAILS = CallDetails("plivo", "+911", "+912")


class House(Gallery):
    """A gallery with the board that it looks at."""

    def __init__(self) -> None:
        super().__init__(Board())

    def ring(self, call_id: str) -> None:
        self.board.began(call_id, "stream", "default", DETAILS)
        self.began(call_id, "stream", "default", DETAILS)


async def told(visitor: Visitor) -> list[tuple[str, Any]]:
    """All that waits for a visitor."""
    news = await visitor.news(0.001)
    return [(event.name, orjson.loads(event.data)) for event in EventReader().receive(news)]


async def names(visitor: Visitor) -> list[str]:
    return [name for name, _ in await told(visitor)]


def converse(house: House, call_id: str) -> None:
    house.said(call_id, "bot", "Good day.\n\ndata: {}", 1.0)
    house.said(call_id, "caller", "Where is my order?", 2.0, turn=1)
    house.turn_answered(call_id, trace(1))
    house.false_alarm(call_id, 3.0)
    house.barged_in(call_id, 3.0)
    house.said(call_id, "bot", "It is", 4.0, complete=False)


async def test_who_watches_all_calls_is_told_who_comes_and_goes_and_what_is_said() -> None:
    house = House()
    house.ring("call-1")
    visitor = house.enter("")
    ((name, snapshot),) = await told(visitor)
    assert (name, [call["id"] for call in snapshot["calls"]]) == ("calls", ["call-1"])
    house.ring("call-2")
    converse(house, "call-2")
    house.ended("call-2", "caller hung up")
    events = await told(visitor)
    assert [name for name, _ in events] == ["began", "said", "said", "said", "ended"]
    assert events[0][1]["from_number"] == "+911"
    assert events[1][1]["text"] == "Good day.\n\ndata: {}", "no words of anybody's can make up an event"
    assert events[4][1]["cause"] == "caller hung up"


async def test_who_watches_one_call_is_told_everything_of_it_from_its_beginning() -> None:
    house = House()
    house.ring("call-1")
    house.ring("call-2")
    converse(house, "call-1")
    visitor = house.enter("call-1")
    expected = ["said", "said", "turn", "false_alarm", "barged_in", "said"]
    assert await names(visitor) == ["calls", *expected]
    converse(house, "call-2")
    converse(house, "call-1")
    events = await told(visitor)
    assert [name for name, _ in events] == expected
    assert {data["call"] for _, data in events} == {"call-1"}
    assert [data["complete"] for name, data in events if name == "said"] == [True, True, False]
    house.ended("call-1", "caller hung up")
    house.ended("call-2", "caller hung up")
    assert await names(visitor) == ["ended", "ended"]
    assert await names(house.enter("call-1")) == ["calls"], "nothing is kept of a call that is over"


async def test_a_turn_is_told_as_the_records_have_it_and_what_was_done_ahead() -> None:
    house = House()
    house.ring("call-1")
    visitor = house.enter("call-1")
    turn = trace(3)
    turn.begun_s = 9.95
    house.turn_answered("call-1", turn)
    told_turn = (await told(visitor))[1][1]
    assert {part: told_turn[part] for part in PARTS} == turn.parts_ms()
    assert told_turn["response_ms"] == 700
    assert told_turn["ahead"] == {"first_token": [-50, 200]}


async def test_levels_are_told_of_what_is_watched() -> None:
    house = House()
    for number in range(5):
        house.ring(f"call-{number}")
    assert house.watched(2) == ()
    closely = house.enter("call-0")
    house.enter("call-unknown")
    assert house.watched(2) == ["call-0"]
    everybody = house.enter("")
    assert house.watched(2) == ["call-0", "call-4", "call-3"]
    await names(closely), await names(everybody)
    house.show_levels({"call-0": (-20, -30), "call-4": (-96, -10)})
    assert await told(closely) == [("levels", {"call-0": [-20, -30]})]
    assert await told(everybody) == [("levels", {"call-0": [-20, -30], "call-4": [-96, -10]})]
    house.show_levels({"call-4": (-96, -10)})
    assert await told(closely) == []


async def test_the_gallery_has_so_many_seats() -> None:
    house = House()
    visitors = [house.enter("") for _ in range(MOST_VISITORS)]
    with pytest.raises(Fault, match="too many"):
        house.enter("")
    house.leave(visitors[0])
    house.leave(visitors[0])
    house.enter("")


async def test_of_a_long_call_the_last_is_kept() -> None:
    house = House()
    house.ring("call-1")
    for number in range(MOST_KEPT + 5):
        house.said("call-1", "bot", str(number), 1.0)
    events = await told(house.enter("call-1"))
    assert len(events) == 1 + MOST_KEPT
    assert events[1][1]["text"] == "5"


async def test_nothing_is_put_into_words_while_nobody_watches(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> bytes:
        raise AssertionError("somebody was told")

    house = House()
    monkeypatch.setattr(galleries, "_event", fail)
    house.ring("call-1")
    converse(house, "call-1")
    house.ended("call-1", "caller hung up")
    house.ended("call-1", "again")
    house.said("call-1", "bot", "too late", 9.0)


async def test_all_are_sent_away_when_the_server_stops() -> None:
    house = House()
    visitor = house.enter("")
    house.close()
    assert await visitor.news(60.0) == b""
