"""The dialer on virtual time: real records, a carrier in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mediasrv.carriers.base import Happening
from mediasrv.errors import RecordsError
from mediasrv.outbound.dialer import Dialer
from mediasrv.outbound.ledger import Ledger
from mediasrv.outbound.order import NO_WORD, Order, Standing, State
from mediasrv.outbound.request import DialRefused, DialRequest
from tests.outbound.support import (
    MOBILE,
    Carrier,
    Office,
    ThreadlessDatabase,
    at,
    dialer_with,
    error_of,
    told,
)
from tests.virtual import run_virtually

NOON = at("12:00")


class Stage:
    """A dialer that may be killed and started again on the same records."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.carrier = Carrier()
        self.office = Office()
        self.database = ThreadlessDatabase(folder / "records.db")
        self.began_s = NOON
        self._rules = options.pop("rules", None)
        self._options = options
        self.dialer = self._new()

    def clock(self) -> float:
        return self.began_s + asyncio.get_running_loop().time()

    def _new(self) -> Dialer:
        return dialer_with(self.database, self.carrier, self.office, self.clock, self._rules, **self._options)

    async def kill(self) -> None:
        """Everything stops where it stands."""
        me = asyncio.current_task()
        tasks = [task for task in asyncio.all_tasks() if task is not me]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def start_again(self) -> None:
        self.dialer = self._new()
        await self.dialer.start()

    async def dial(self, number: str = MOBILE, **changes: Any) -> str:
        return await self.dialer.dial(DialRequest(number=number, **changes))

    async def state(self, order_id: str) -> State:
        standing = await self.dialer.standing(order_id)
        assert standing is not None
        return standing.state

    def tell(self, happening: Happening, cause: str = "", place: int = -1, **fields: Any) -> None:
        self.dialer.on_webhook(told(happening, cause, **fields), self.carrier.tag(place))


@asynccontextmanager
async def on_stage(folder: Path, **options: Any) -> AsyncIterator[Stage]:
    stage = Stage(folder, **options)
    await stage.dialer.start()
    try:
        yield stage
    finally:
        await stage.dialer.aclose()
        stage.database.close()


def play(folder: Path, act: Callable[[Stage], Awaitable[None]], **options: Any) -> None:
    async def whole() -> None:
        async with on_stage(folder, **options) as stage:
            await act(stage)

    run_virtually(whole())


def test_a_call_is_placed_and_followed_to_its_end(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        order_id = await stage.dial(body={"name": "Asha"}, agent="default")
        await asyncio.sleep(1)
        assert await stage.state(order_id) is State.PLACED
        (order,) = stage.carrier.orders
        assert order.to_number == MOBILE
        assert order.answer_url.startswith("https://voice.example.in/plivo/answer?agent=default&body=ey")
        assert order.status_url.startswith("https://voice.example.in/plivo/callback/status?dial=")
        assert order.machine_url == ""
        stage.tell(Happening.RINGING)
        stage.tell(Happening.RINGING)
        assert stage.office.prepared == ["default"]
        stage.tell(Happening.ANSWERED)
        assert await stage.state(order_id) is State.ANSWERED
        stage.tell(Happening.ENDED, "Normal Hangup")
        assert await stage.state(order_id) is State.ENDED

    play(tmp_path, act)


def test_no_more_calls_are_begun_in_a_second_than_the_account_may(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        for last in range(10):
            await stage.dial(f"+9198765000{last:02}")
        await asyncio.sleep(1.9)
        assert len(stage.carrier.orders) <= 4
        await asyncio.sleep(5)
        assert len(stage.carrier.orders) == 10

    play(tmp_path, act)


def test_no_more_calls_are_up_than_the_account_may_have(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.office.inbound = 1
        for last in range(5):
            await stage.dial(f"+9198765000{last:02}")
        await asyncio.sleep(20)
        assert len(stage.carrier.orders) == 2
        stage.tell(Happening.ENDED, "Normal Hangup", place=0)
        await asyncio.sleep(3)
        assert len(stage.carrier.orders) == 3

    play(tmp_path, act, concurrency=3, calls_per_second=10.0)


def test_a_busy_phone_is_called_again_and_the_rules_are_asked_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.began_s = at("20:50")
        order_id = await stage.dial()
        await asyncio.sleep(1)
        stage.tell(Happening.ENDED, "Busy")
        assert await stage.state(order_id) is State.PLANNED
        await asyncio.sleep(1000)
        standing = await stage.dialer.standing(order_id)
        assert standing is not None
        assert (standing.state, standing.cause.partition(":")[0]) == (State.FAILED, "calling window")
        assert len(stage.carrier.orders) == 1

    play(tmp_path, act, rules={"consent_required_for": ()})


def test_a_busy_phone_is_called_again_in_time(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        order_id = await stage.dial()
        for _ in range(3):
            await asyncio.sleep(2000)
            stage.tell(Happening.ENDED, "Busy")
        await asyncio.sleep(10_000)
        assert await stage.state(order_id) is State.ENDED
        assert len(stage.carrier.orders) == 3

    play(tmp_path, act)


def test_word_of_a_former_call_does_not_end_the_present_one(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        order_id = await stage.dial()
        await asyncio.sleep(1)
        stage.tell(Happening.ENDED, "Busy")
        await asyncio.sleep(901)
        stage.tell(Happening.ANSWERED)
        stage.tell(Happening.ENDED, "Busy", place=0)
        await asyncio.sleep(1)
        assert await stage.state(order_id) is State.ANSWERED

    play(tmp_path, act)


def test_a_carrier_without_room_is_asked_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.outcomes = [error_of(retryable=True), error_of(retryable=True), None]
        order_id = await stage.dial()
        await asyncio.sleep(10)
        assert await stage.state(order_id) is State.PLACED
        stage.tell(Happening.ENDED, "Concurrency Limit Breached")
        await asyncio.sleep(10)
        assert stage.carrier.rung[MOBILE] == 2

    play(tmp_path, act)


def test_a_request_without_an_answer_is_looked_for_and_not_made_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.obeyed = [error_of(uncertain=True)]
        order_id = await stage.dial()
        await asyncio.sleep(5)
        assert await stage.state(order_id) is State.PLACED
        await asyncio.sleep(30)
        assert stage.carrier.rung[MOBILE] == 1

    play(tmp_path, act)


def test_a_request_that_left_no_trace_is_made_again_after_a_minute(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.outcomes = [error_of(uncertain=True)]
        order_id = await stage.dial()
        await asyncio.sleep(59)
        assert await stage.state(order_id) is State.UNCERTAIN
        assert stage.carrier.orders == []
        await asyncio.sleep(70)
        assert await stage.state(order_id) is State.PLACED

    play(tmp_path, act)


def test_while_nobody_knows_nobody_is_called_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.obeyed = [error_of(uncertain=True)]
        stage.carrier.is_deaf = True
        order_id = await stage.dial()
        await asyncio.sleep(3000)
        assert await stage.state(order_id) is State.UNCERTAIN
        await asyncio.sleep(2000)
        assert await stage.state(order_id) is State.FAILED
        assert stage.carrier.rung[MOBILE] == 1

    play(tmp_path, act)


def test_a_call_that_was_given_up_and_rings_while_another_does_is_hung_up(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.outcomes = [error_of(uncertain=True)]
        order_id = await stage.dial()
        await asyncio.sleep(120)
        assert await stage.state(order_id) is State.PLACED
        stage.dialer.on_webhook(told(Happening.RINGING, call_id="stray"), f"{order_id}.1")
        await asyncio.sleep(1)
        assert stage.carrier.hung_up == ["stray"]
        assert await stage.state(order_id) is State.PLACED

    play(tmp_path, act)


def test_a_call_that_was_given_up_and_rings_in_time_is_the_call(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.outcomes = [error_of(uncertain=True)]
        order_id = await stage.dial()
        await asyncio.sleep(63.8)
        assert await stage.state(order_id) is State.PLANNED
        stage.dialer.on_webhook(told(Happening.RINGING, call_id="late"), f"{order_id}.1")
        await asyncio.sleep(100)
        assert await stage.state(order_id) is State.RINGING
        assert stage.carrier.orders == []

    play(tmp_path, act)


def test_a_call_that_rings_just_when_it_would_be_placed_anew_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Ledger.claim

    async def act(stage: Stage) -> None:
        async def claim_late(ledger: Ledger, order: Order, old: Standing, new: Standing) -> bool:
            if new.serial == 2:
                stage.dialer.on_webhook(told(Happening.RINGING, call_id="late"), f"{order.id}.1")
                await asyncio.sleep(1)
            return await claim(ledger, order, old, new)

        monkeypatch.setattr(Ledger, "claim", claim_late)
        stage.carrier.outcomes = [error_of(uncertain=True)]
        order_id = await stage.dial()
        await asyncio.sleep(80)
        assert await stage.state(order_id) is State.RINGING
        stage.dialer.on_webhook(told(Happening.ENDED, "Normal Hangup", call_id="late"), f"{order_id}.1")
        await asyncio.sleep(1)
        assert await stage.state(order_id) is State.ENDED
        assert stage.carrier.orders == []

    play(tmp_path, act)


def test_where_no_webhook_ever_comes_the_carrier_tells_the_end(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        first, second = await stage.dial(), await stage.dial("+919876500002")
        await asyncio.sleep(5)
        stage.carrier.state("r1", "completed")
        stage.carrier.calls.pop("r2")
        await asyncio.sleep(300)
        assert await stage.state(first) is State.ENDED
        standing = await stage.dialer.standing(second)
        assert standing is not None
        assert (standing.state, standing.cause) == (State.ENDED, NO_WORD)

    play(tmp_path, act)


def test_a_number_is_in_one_call_at_a_time(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.dial()
        second = await stage.dial()
        await asyncio.sleep(10)
        assert await stage.state(second) is State.PLANNED
        stage.tell(Happening.ENDED, "Normal Hangup")
        await asyncio.sleep(5)
        assert await stage.state(second) is State.PLACED

    play(tmp_path, act)


def test_within_a_campaign_a_number_is_ordered_once(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        first = await stage.dial(campaign="spring")
        assert await stage.dial(campaign="spring") == first
        assert await stage.dial(campaign="summer") != first
        assert (await stage.dialer.progress("spring")).total() == 1

    play(tmp_path, act)


def test_who_was_refused_and_never_called_may_be_ordered_again(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.outcomes = [error_of()]
        first = await stage.dial(campaign="spring")
        await asyncio.sleep(1)
        assert await stage.state(first) is State.FAILED
        second = await stage.dial(campaign="spring")
        await asyncio.sleep(1)
        assert await stage.state(second) is State.PLACED

    play(tmp_path, act)


@pytest.mark.parametrize("pause_s", [0.0, 0.3, 0.7, 1.0])
def test_after_a_kill_everybody_is_called_once(tmp_path: Path, pause_s: float) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.delay_s = 0.2
        for last in range(6):
            await stage.dial(f"+9198765000{last:02}")
        await asyncio.sleep(pause_s)
        for _ in range(3):
            await stage.kill()
            await stage.start_again()
            await asyncio.sleep(1.3)
        await asyncio.sleep(200)
        assert sorted(stage.carrier.rung.values()) == [1] * 6

    play(tmp_path, act)


def test_what_is_wrong_with_a_request_is_said(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        cases: list[tuple[str, dict[str, Any]]] = [
            ("number", {"number": "0123"}),
            ("number", {"number": None}),
            ("number", {"number": ["+919876500001"]}),
            ("agent", {"agent": "nobody"}),
            ("agent", {"agent": 5}),
            ("purpose", {"purpose": "spam"}),
            ("purpose", {"purpose": {}}),
            ("body", {"body": {"x": "y" * 10_000_000}}),
            ("body", {"body": ["a"]}),
            ("body", {"body": {"x": object()}}),
            ("body", {"body": {1: "x"}}),
            ("calling window", {"zone": "Mars/Olympus"}),
            ("number series", {"from_number": "call me"}),
            ("campaign", {"campaign": "x" * 101}),
            ("campaign", {"campaign": "a\nb"}),
        ]
        for rule, changes in cases:
            with pytest.raises(DialRefused) as refused:
                await stage.dial(**{"number": MOBILE, **changes})
            assert refused.value.rule == rule
            assert len(str(refused.value)) < 200
        assert stage.carrier.orders == []

    play(tmp_path, act)


def test_without_records_nobody_is_called_and_nothing_is_lost(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        stage.carrier.delay_s = 0.1
        order_id = await stage.dial()
        stage.database.trouble_with = RecordsError("the disk is full")
        with pytest.raises(RecordsError):
            await stage.dial("+919876500002")
        await asyncio.sleep(60)
        assert stage.carrier.orders == []
        stage.database.trouble_with = None
        await asyncio.sleep(10)
        assert await stage.state(order_id) is State.PLACED

    play(tmp_path, act)


def test_checking_orders_nothing(tmp_path: Path) -> None:
    async def act(stage: Stage) -> None:
        await stage.dialer.check(DialRequest(number=MOBILE))
        await asyncio.sleep(10)
        assert stage.carrier.orders == []

    play(tmp_path, act)


@pytest.mark.parametrize("tag", ["", "x", "x.y", ".", "a.1.2", "0.99999999999", "unknown.1", "x.１"])
def test_tags_that_are_not_ours_are_let_pass(tmp_path: Path, tag: str) -> None:
    async def act(stage: Stage) -> None:
        stage.dialer.on_webhook(told(Happening.RINGING), tag)
        await asyncio.sleep(1)

    play(tmp_path, act)
