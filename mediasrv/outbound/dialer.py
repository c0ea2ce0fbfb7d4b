"""The dialer: takes orders and places their calls, one by one and through the gate.

Orders wait in the ledger and not in memory, so that any process may leave them there and none is lost in a crash. One
task takes those whose time has come, as fast as the account may call and as many as it may have at a time.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from mediasrv.carriers.base import Control, Webhook
from mediasrv.carriers.bucket import Rate, TokenBucket
from mediasrv.errors import RecordsError
from mediasrv.outbound.gate import Gate
from mediasrv.outbound.ledger import Ledger
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.order import Order, Standing, State, Steps
from mediasrv.outbound.request import Addresses, DialRefused, DialRequest, order_of
from mediasrv.outbound.traffic import Traffic

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0
"""How often the ledger is asked for orders that other processes have left there."""
TROUBLE_S = 5.0
"""Wait after the ledger could not be read or written."""
_PAGE = 20
# A task that always finds something due must let the others work.
_SHORTEST_WAIT_S = 0.02


class Surroundings(Protocol):
    """What the dialer must know of its server."""

    def has_agent(self, name: str, /) -> bool:
        """Whether there is such an agent."""

    def prepare(self, agent_name: str, /) -> None:
        """A phone rings: have what the agent needs ready."""

    def inbound_calls(self) -> int:
        """Calls that have come in and are up."""


class Dialer:
    """One account's calls."""

    def __init__(
        self,
        options: OutboundOptions,
        control: Control,
        gate: Gate,
        ledger: Ledger,
        addresses: Addresses,
        surroundings: Surroundings,
        is_ours: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``is_ours`` tells whether the orders are this process's to attend to, and from then on they are; ``clock``
        tells seconds since the epoch. Whoever made the parts closes them."""
        self._options = options
        self._steps = Steps(options)
        self._gate = gate
        self._ledger = ledger
        self._surroundings = surroundings
        self._clock = clock
        self._bucket = TokenBucket(Rate(1, 1 / options.pace_per_s))
        self._traffic = Traffic(options, control, ledger, addresses, clock, self._moved)
        self._is_ours = is_ours
        self._attends = False
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to attend to the orders, or wait until nobody else does."""
        self._task = asyncio.create_task(self._run(), name="dialer")

    async def aclose(self) -> None:
        """Begin no call any more, and wait for the answers to requests on their way; safe to call twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._traffic.aclose()

    # -- orders --------------------------------------------------------------------------------------------------

    async def dial(self, request: DialRequest) -> str:
        """Order a call and return the order's name, once it is on the disk; the call follows as soon as it may.

        An order of a campaign that has one for this number already is that one, and nobody is called twice. Raise
        ``DialRefused`` with the rule that forbids it or with what is wrong with the request, ``RecordsError`` when
        the order could not be kept: then there is none.
        """
        order = await self._checked(request)
        order_id = await self._ledger.add(order)
        self._wake.set()
        return order_id

    async def check(self, request: DialRequest) -> None:
        """Raise what ``dial`` would raise, and do nothing else."""
        await self._checked(request)

    async def _checked(self, request: DialRequest) -> Order:
        order = order_of(request, self._options, self._clock())
        if not self._surroundings.has_agent(order.agent):
            raise DialRefused("agent", "there is no such agent")
        if refusal := await self._gate.check(order.plan, order.ordered_s):
            raise DialRefused(refusal.rule.value, refusal.reason)
        return order

    async def standing(self, order_id: str) -> Standing | None:
        """How an order stands; ``None`` when there is no such. Raise ``RecordsError``."""
        if standing := self._traffic.standing(order_id):
            return standing
        entry = await self._ledger.order(order_id)
        return entry[1] if entry else None

    async def progress(self, campaign: str) -> Counter[State]:
        """How many orders of a campaign stand how; raise ``RecordsError``."""
        return await self._ledger.progress(campaign)

    def on_webhook(self, webhook: Webhook, tag: str) -> None:
        """The carrier tells about a call of ours; ``tag`` is what its URL brought back. A plain call, never raises."""
        if self._attends:
            self._traffic.on_webhook(webhook, tag)
        else:
            self._ledger.leave(webhook, tag)

    # -- the task ------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                wait_s = await self._attend()
            except RecordsError as error:
                log.error("calls wait", extra={"error": str(error)})
                wait_s = TROUBLE_S
            except Exception:
                # The last door: one order that cannot be worked on must not stop all others for ever.
                log.exception("dialer failed")
                wait_s = TROUBLE_S
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()

    async def _attend(self) -> float:
        """Do what is due, and return how long there is nothing to do."""
        if not self._attends:
            if not self._is_ours():
                return LOOK_EVERY_S
            self._traffic.take_up(await self._ledger.unsettled())
            self._attends = True
        for webhook, tag in await self._ledger.left():
            self._traffic.on_webhook(webhook, tag)
        self._traffic.ask_about_overdue()
        await self._place_due()
        return await self._wait_s()

    async def _wait_s(self) -> float:
        dues_s = list(self._traffic.dues_s())
        if self._has_room() and (next_s := await self._ledger.next_due_s()) is not None:
            dues_s.append(next_s)
        now_s = self._clock()
        return max(_SHORTEST_WAIT_S, min([LOOK_EVERY_S, *(due_s - now_s for due_s in dues_s)]))

    def _has_room(self) -> bool:
        return len(self._traffic) + self._surroundings.inbound_calls() < self._options.concurrency

    async def _place_due(self) -> None:
        if not self._has_room():
            return
        for order, standing in await self._ledger.due(self._clock(), _PAGE):
            if not self._has_room():
                return
            if order.id not in self._traffic:
                await self._place(order, standing)

    async def _place(self, order: Order, standing: Standing) -> None:
        """Place one call, if the rules still allow it."""
        refusal = await self._gate.check(order.plan, self._clock())
        if refusal is not None:
            log.info("call refused", extra={"order": order.id, "rule": refusal.rule.value})
            await self._ledger.settle(order, standing, self._steps.refuse(standing, str(refusal), self._clock()))
            return
        await asyncio.sleep(self._bucket.take(asyncio.get_running_loop().time()))
        await self._traffic.place(order, standing)

    def _moved(self, order: Order, standing: Standing) -> None:
        if standing.state is State.RINGING:
            self._surroundings.prepare(order.agent)
        self._wake.set()
