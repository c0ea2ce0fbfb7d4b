"""What waits for a visitor is bounded, and who does not come for it is sent away."""

from __future__ import annotations

import asyncio

from mediasrv.server.console.visitor import MOST_UNTOLD, NOTHING_NEW, Visitor

SOON_S = 0.001


async def test_what_happened_is_told_in_order_with_the_last_levels() -> None:
    visitor = Visitor("")
    visitor.tell(b"1")
    visitor.tell_levels(b"loud")
    visitor.tell(b"2")
    visitor.tell_levels(b"low")
    assert await visitor.news(SOON_S) == b"12low"
    assert await visitor.news(SOON_S) == NOTHING_NEW


async def test_who_waits_is_told_at_once() -> None:
    visitor = Visitor("")
    waiting = asyncio.create_task(visitor.news(60.0))
    await asyncio.sleep(0)
    visitor.tell(b"1")
    assert await waiting == b"1"


async def test_who_does_not_read_is_sent_away_and_costs_nothing_any_more() -> None:
    visitor = Visitor("")
    for _ in range(MOST_UNTOLD):
        visitor.tell(b"1")
    assert not visitor.is_over
    visitor.tell(b"one too many")
    assert visitor.is_over
    visitor.tell(b"more")
    visitor.tell_levels(b"more")
    assert await visitor.news(60.0) == b""
    assert not visitor._untold
