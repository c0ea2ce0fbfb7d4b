"""The ledger on the records' own database: claims, erasure, and what another process leaves."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from mediasrv.carriers.base import Happening, Webhook
from mediasrv.outbound.ledger import SCHEMA, Ledger
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.order import Order, Standing, State, Steps
from mediasrv.outbound.rules import Listing, Plan
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import Records
from tests.outbound.support import LANDLINE, MOBILE, ThreadlessDatabase

STEPS = Steps(OutboundOptions())


def order(order_id: str = "o1", number: str = MOBILE, campaign: str = "") -> Order:
    plan = Plan(number=number, from_number=LANDLINE, purpose="service")
    return Order(id=order_id, plan=plan, agent="default", body='{"name":"Asha"}', campaign=campaign, ordered_s=5.0)


@pytest.fixture
async def records(tmp_path: Path) -> AsyncIterator[Records]:
    records = Records(tmp_path / "records.db", RecordsOptions(), SCHEMA)
    await records.start()
    yield records
    await records.aclose()


async def test_an_order_comes_back_as_it_was(records: Records) -> None:
    ledger = Ledger(records.database)
    assert await ledger.add(order()) == "o1"
    assert await ledger.order("o1") == (order(), Standing(since_s=5.0, due_s=5.0))
    assert await ledger.order("o2") is None
    assert await ledger.next_due_s() == 5.0


async def test_an_order_is_claimed_by_one(records: Records) -> None:
    ledger = Ledger(records.database)
    await ledger.add(order())
    planned = Standing(since_s=5.0, due_s=5.0)
    claims = [ledger.claim(order(), planned, STEPS.begin(planned, 6.0)) for _ in range(5)]
    assert sorted(await asyncio.gather(*claims)) == [False] * 4 + [True]
    assert await ledger.called_s(MOBILE, 0.0) == [6.0]
    assert [entry[1].state for entry in await ledger.unsettled()] == [State.PLACING]


async def test_a_number_in_a_call_is_not_claimed_for_another(records: Records) -> None:
    ledger, planned = Ledger(records.database), Standing(since_s=5.0, due_s=5.0)
    await ledger.add(order("o1"))
    await ledger.add(order("o2"))
    assert len(await ledger.due(9.0, 10)) == 1
    assert await ledger.claim(order("o1"), planned, STEPS.begin(planned, 6.0))
    assert await ledger.due(9.0, 10) == []
    assert not await ledger.claim(order("o2"), planned, STEPS.begin(planned, 6.0))


async def test_what_is_given_up_before_a_phone_rang_is_no_call(records: Records) -> None:
    ledger, planned = Ledger(records.database), Standing(since_s=5.0, due_s=5.0)
    await ledger.add(order())
    placing = STEPS.begin(planned, 6.0)
    await ledger.claim(order(), planned, placing)
    ledger.keep(order(), placing, STEPS.turned_down(placing, "429", 7.0, retryable=True))
    await records.database.flush()
    assert await ledger.called_s(MOBILE, 0.0) == []


async def test_a_stale_word_changes_no_newer_standing(records: Records) -> None:
    ledger, planned = Ledger(records.database), Standing(since_s=5.0, due_s=5.0)
    await ledger.add(order())
    first = STEPS.begin(planned, 6.0)
    await ledger.claim(order(), planned, first)
    again = STEPS.turned_down(first, "429", 7.0, retryable=True)
    ledger.keep(order(), first, again)
    await ledger.claim(order(), again, STEPS.begin(again, 9.0))
    ledger.keep(order(), first, STEPS.lost(first, 10.0))
    await records.database.flush()
    entry = await ledger.order("o1")
    assert entry is not None
    assert (entry[1].state, entry[1].serial) == (State.PLACING, 2)


async def test_names_of_other_calls_are_known(records: Records) -> None:
    ledger, planned = Ledger(records.database), Standing(since_s=5.0, due_s=5.0)
    await ledger.add(order())
    placing = STEPS.begin(planned, 6.0)
    await ledger.claim(order(), planned, placing)
    named = STEPS.heard(placing, Webhook(happening=Happening.RINGING, call_id="c1", request_id="r1"), 7.0)
    ledger.keep(order(), placing, named)
    await records.database.flush()
    assert await ledger.known(order(), 1) == set()
    assert await ledger.known(order(), 2) == {"c1", "r1"}


async def test_a_campaign_of_thousands_is_read_whole(records: Records) -> None:
    ledger = Ledger(records.database)
    numbers = [f"+91987650{place:04}" for place in range(40)]
    await asyncio.gather(*(ledger.add(order(f"o{number}", number, "spring")) for number in numbers))
    assert (await ledger.progress("spring"))[State.PLANNED] == 40
    assert await ledger.add(order("new", numbers[7], "spring")) == f"o{numbers[7]}"


async def test_who_is_erased_leaves_nothing_here(records: Records) -> None:
    ledger, planned = Ledger(records.database), Standing(since_s=5.0, due_s=5.0)
    await ledger.add(order())
    await ledger.claim(order(), planned, STEPS.begin(planned, 6.0))
    await ledger.note_listing(MOBILE, Listing.CLEAR, 6.0)
    await records.suppressions.add(MOBILE, "speech")
    await records.eraser.erase(MOBILE)
    for table in ("outbound_orders", "outbound_calls", "outbound_listings"):
        assert await records.database.read(f"SELECT * FROM {table}") == []
    assert await records.suppressions.holds(MOBILE)


async def test_webhooks_are_left_to_whoever_attends(records: Records) -> None:
    ledger = Ledger(records.database)
    told = [
        (Webhook(happening=Happening.RINGING, call_id="c1", request_id="r1"), "o1.1"),
        (Webhook(happening=Happening.MACHINE, call_id="c1", machine=True), "o1.1"),
        (Webhook(happening=Happening.ENDED, call_id="c1", cause="Busy", machine=False), "o1.1"),
    ]
    for webhook, tag in told:
        ledger.leave(webhook, tag)
    await records.database.flush()
    assert await ledger.left() == told
    await records.database.flush()
    assert await ledger.left() == []


async def test_a_word_in_the_place_of_one_that_was_heard_twice_is_not_lost(tmp_path: Path) -> None:
    """Whoever reads again before a deletion is written asks for it twice, and somebody may leave a word between."""
    database = ThreadlessDatabase(tmp_path / "records.db")
    ledger = Ledger(database)
    ringing = (Webhook(happening=Happening.RINGING, call_id="c1"), "o1.1")
    ended = (Webhook(happening=Happening.ENDED, call_id="c1"), "o1.1")
    ledger.leave(*ringing)
    late: list[tuple[Any, ...]] = []
    with patch.object(database, "note", lambda *note: late.append(note)):
        assert await ledger.left() == [ringing]
        assert await ledger.left() == [ringing]
    first, second = late
    database.note(*first)
    ledger.leave(*ended)
    database.note(*second)
    assert await ledger.left() == [ended]
    assert await ledger.left() == []
    database.close()
