"""The dialer against a carrier that fails in every way but lying, on virtual time, killed at any moment.

The carrier's books are the truth. What it tells of them may come late, twice, out of order or never.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from mediasrv.carriers.base import CallOrder, Happening, PlacedCall, Webhook
from mediasrv.outbound import dialer
from mediasrv.outbound.order import State
from mediasrv.outbound.request import TAG, DialRequest
from tests.outbound.support import Office, ThreadlessDatabase, at, dialer_with, error_of
from tests.virtual import VirtualLoop

T = TypeVar("T")
NOON = at("12:00")
NUMBERS = [f"+9198765000{last:02}" for last in range(4)]
ENDS = {"completed": "Normal Hangup", "busy": "Busy", "no-answer": "No Answer", "failed": "Concurrency Limit Breached"}
AGAIN = {"busy", "no-answer", "failed"}
LONG_S = 3000.0


class Books:
    """A carrier."""

    name = "plivo"

    def __init__(self) -> None:
        self.fates: list[str] = []
        self.orders: list[CallOrder] = []
        self.states: list[str] = []
        self.true_words: list[tuple[Webhook, str]] = []
        self.is_deaf = False

    async def aclose(self) -> None: ...

    async def place(self, order: CallOrder) -> PlacedCall:
        fate = self.fates.pop(0) if self.fates else "fine"
        await asyncio.sleep(0.3)
        if fate == "no room":
            raise error_of(retryable=True)
        if fate == "lost before":
            raise error_of(uncertain=True)
        self.orders.append(order)
        self.states.append("queued")
        request_id = f"r{len(self.orders)}"
        await asyncio.sleep(0.3)
        if fate == "lost after":
            raise error_of(uncertain=True)
        return PlacedCall(request_id=request_id, to_number=order.to_number, state="queued")

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        await asyncio.sleep(0.1)
        if self.is_deaf:
            raise error_of(retryable=True)
        return [
            PlacedCall(request_id=f"r{place}", call_id=f"r{place}", to_number=to_number, state=state)
            for place, (order, state) in enumerate(zip(self.orders, self.states, strict=True), start=1)
            if order.to_number == to_number
        ]

    async def hang_up(self, call_id: str) -> None:
        raise AssertionError("no call was ever given up")

    def move(self, place: int, state: str, happening: Happening) -> None:
        """A call goes on."""
        self.states[place] = state
        webhook = Webhook(happening=happening, call_id=f"r{place + 1}", cause=ENDS.get(state, ""))
        self.true_words.append((webhook, self.tag(place)))

    def tag(self, place: int) -> str:
        return self.orders[place].status_url.partition(f"{TAG}=")[2]

    def live(self) -> list[int]:
        return [place for place, state in enumerate(self.states) if state not in ENDS]


class DialerMachine(RuleBasedStateMachine):
    """What may happen to a dialer."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = VirtualLoop()
        self.database = ThreadlessDatabase(Path(self.folder.name) / "records.db")
        self.books, self.office = Books(), Office()
        self.ids: list[str] = []
        # Nobody else writes into these records.
        self.patience = patch.object(dialer, "LOOK_EVERY_S", 60.0)
        self.patience.start()
        self.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def start(self) -> None:
        def clock() -> float:
            return NOON + self.loop.time()

        async def start() -> None:
            options: dict[str, Any] = {
                "calls_per_second": 10.0,
                "concurrency": 3,
                "most_calls": 2,
                "retry_after_s": 100,
            }
            options |= {"time_limit_s": 300}
            self.dialer = dialer_with(self.database, self.books, self.office, clock, **options)
            await self.dialer.start()

        self.run(start())

    @rule(number=sampled_from(NUMBERS), campaign=sampled_from(["", "spring"]))
    def somebody_orders_a_call(self, number: str, campaign: str) -> None:
        order_id = self.run(self.dialer.dial(DialRequest(number=number, campaign=campaign)))
        if order_id not in self.ids:
            self.ids.append(order_id)

    @rule(fate=sampled_from(["fine", "no room", "lost before", "lost after"]))
    def a_request_meets_its_fate(self, fate: str) -> None:
        self.books.fates.append(fate)

    @rule(seconds=sampled_from([0.1, 0.4, 1.0, 5.0, 40.0, 100.0, 1000.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(asyncio.sleep(seconds))

    @precondition(lambda self: self.books.live())
    @rule(which=integers(0, 100), step=sampled_from(["ringing", "in-progress", *ENDS]), is_told=booleans())
    def a_call_goes_on(self, which: int, step: str, is_told: bool) -> None:
        place = self.books.live()[which % len(self.books.live())]
        if self.books.states[place] == "in-progress" and step != "completed":
            return
        happening = {"ringing": Happening.RINGING, "in-progress": Happening.ANSWERED}.get(step, Happening.ENDED)
        self.books.move(place, step, happening)
        if is_told:
            self.tell(-1)

    @precondition(lambda self: self.books.true_words)
    @rule(which=integers(0, 100))
    def word_comes_late_or_twice(self, which: int) -> None:
        self.tell(which % len(self.books.true_words))

    def tell(self, which: int) -> None:
        async def tell() -> None:
            self.dialer.on_webhook(*self.books.true_words[which])
            await asyncio.sleep(0)

        self.run(tell())

    @rule(is_deaf=booleans())
    def the_books_are_shut_or_open(self, is_deaf: bool) -> None:
        self.books.is_deaf = is_deaf

    @rule()
    def the_process_is_killed(self) -> None:
        async def kill() -> None:
            me = asyncio.current_task()
            tasks = [task for task in asyncio.all_tasks() if task is not me]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        self.run(kill())
        self.start()

    @invariant()
    def nobody_is_called_twice(self) -> None:
        placed = Counter(self.books.tag(place).partition(".")[0] for place in range(len(self.books.orders)))
        ended = Counter(
            self.books.tag(place).partition(".")[0] for place, state in enumerate(self.books.states) if state in AGAIN
        )
        for order_id, count in placed.items():
            assert count <= 1 + ended[order_id], "called again, though the call before may go on"

    @invariant()
    def no_more_calls_are_up_than_may_be(self) -> None:
        assert len(self.books.live()) <= 3
        up = Counter(self.books.orders[place].to_number for place in self.books.live())
        assert all(count == 1 for count in up.values())

    def teardown(self) -> None:
        """In the end the carrier works, everybody has hung up, and every order has come to its end."""
        self.books.is_deaf, self.books.fates = False, []

        async def settle() -> None:
            for _ in range(60):
                for place in self.books.live():
                    self.books.states[place] = "completed"
                await asyncio.sleep(LONG_S / 60)
            for order_id in self.ids:
                standing = await self.dialer.standing(order_id)
                assert standing is not None
                assert standing.state in (State.ENDED, State.FAILED), standing
                rung = any(self.books.tag(place).startswith(order_id) for place in range(len(self.books.orders)))
                assert rung or standing.state is State.FAILED
            await self.dialer.aclose()

        try:
            self.run(settle())
        finally:
            self.patience.stop()
            self.database.close()
            self.loop.close()
            self.folder.cleanup()


DialerMachine.TestCase.settings = settings(
    max_examples=30, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestDialer = DialerMachine.TestCase
