"""Orders with a call, or with one that may be there: their calls are placed, listened to, and asked about.

Each is moved on by the answer to its request, by webhooks, and by the carrier's own books when no word comes. Whatever
is learned goes into the ledger.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Any

from mediasrv.carriers.base import CallOrder, Control, Happening, PlacedCall, Webhook
from mediasrv.errors import CarrierError, MediasrvError, RecordsError
from mediasrv.outbound.ledger import Entry, Ledger
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.order import Order, Standing, State, Steps
from mediasrv.outbound.request import Addresses, tag_of, untagged

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Going:
    order: Order
    standing: Standing
    is_asked: bool = False
    """Whether the carrier is being asked about it just now."""


class Traffic:
    """One account's calls, from the claim of an order to its end."""

    def __init__(
        self,
        options: OutboundOptions,
        control: Control,
        ledger: Ledger,
        addresses: Addresses,
        clock: Callable[[], float],
        moved: Callable[[Order, Standing], None],
    ) -> None:
        """``moved`` is told of each order whose state has changed; a plain call."""
        self._options = options
        self._steps = Steps(options)
        self._control = control
        self._ledger = ledger
        self._addresses = addresses
        self._clock = clock
        self._moved = moved
        self._going: dict[str, _Going] = {}
        self._work: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._going)

    def __contains__(self, order_id: str) -> bool:
        return order_id in self._going

    async def aclose(self) -> None:
        """Return when all carriers have answered that were asked; safe to call twice."""
        await asyncio.gather(*self._work, return_exceptions=True)

    def standing(self, order_id: str) -> Standing | None:
        """How an order stands that is here."""
        return self._going[order_id].standing if order_id in self._going else None

    def dues_s(self) -> Iterator[float]:
        """When the carrier is to be asked about what is here."""
        for going in self._going.values():
            if going.standing.due_s is not None and not going.is_asked and going.standing.state is not State.PLACING:
                yield going.standing.due_s

    def take_up(self, entries: Iterable[Entry]) -> None:
        """Go on with what a former process has left: its requests may have been obeyed or not."""
        for order, standing in entries:
            going = self._going[order.id] = _Going(order, standing)
            self._move(going, self._steps.resumed(standing, self._clock()))

    async def place(self, order: Order, planned: Standing) -> bool:
        """Claim an order and ask for its call; ``False`` when it has a call by now. Raise ``RecordsError``."""
        if order.id in self._going:
            return False
        going = self._going[order.id] = _Going(order, self._steps.begin(planned, self._clock()))
        try:
            is_ours = await self._ledger.claim(order, planned, going.standing)
        except RecordsError:
            # It may be on the disk all the same: the carrier will be asked about a call that was never placed.
            self._move(going, self._steps.lost(going.standing, self._clock()))
            raise
        if is_ours:
            self._spawn(self._request(going))
        elif self._going.get(order.id) is going:
            # Another process has it; or a call that was given up was taken back meanwhile, and is in its place.
            del self._going[order.id]
        return is_ours

    async def _request(self, going: _Going) -> None:
        order = going.order
        try:
            placed = await self._control.place(self._call_order(order, going.standing.serial))
        except CarrierError as error:
            old, now_s = going.standing, self._clock()
            if error.uncertain:
                new = self._steps.lost(old, now_s)
            else:
                after_s, retryable = error.retry_after_s, error.retryable
                new = self._steps.turned_down(old, str(error), now_s, retryable=retryable, retry_after_s=after_s)
            log.warning("call not placed", extra={"order": order.id, "state": new.state.value, "error": str(error)})
        else:
            new = self._steps.accepted(going.standing, placed, self._clock())
        self._move(going, new)

    def _call_order(self, order: Order, serial: int) -> CallOrder:
        tag = tag_of(order.id, serial)
        return CallOrder(
            to_number=order.plan.number,
            from_number=order.plan.from_number,
            answer_url=self._addresses.answer(order, tag),
            status_url=self._addresses.status(tag),
            machine_url=self._addresses.machine(tag) if self._options.detect_machine else "",
            ring_timeout_s=self._options.ring_timeout_s,
            time_limit_s=self._options.time_limit_s,
        )

    # -- what the carrier tells ----------------------------------------------------------------------------------

    def on_webhook(self, webhook: Webhook, tag: str) -> None:
        """The carrier tells about a call of ours; ``tag`` is what its URL brought back. A plain call, never raises."""
        order_id, serial = untagged(tag)
        going = self._going.get(order_id)
        if going is not None and going.standing.serial == serial:
            self._move(going, self._steps.heard(going.standing, webhook, self._clock()))
        elif order_id and webhook.happening in (Happening.RINGING, Happening.ANSWERED, Happening.ENDED):
            self._spawn(self._hear_of_stray(order_id, serial, webhook))

    async def _hear_of_stray(self, order_id: str, serial: int, webhook: Webhook) -> None:
        """Word of a call that we hold for over, or for never placed."""
        try:
            await self._take_back(order_id, serial, webhook)
        except MediasrvError as error:
            log.error("a call that was given up goes on", extra={"call": webhook.call_id, "error": str(error)})

    async def _take_back(self, order_id: str, serial: int, webhook: Webhook) -> None:
        """It is the order's call, if nobody is called anew; if somebody is, he must not be called twice."""
        entry = await self._ledger.order(order_id)
        if entry is None:
            return
        order, old = entry
        if old.serial != serial:
            if webhook.call_id and webhook.happening is not Happening.ENDED:
                log.warning("a call that was given up is hung up", extra={"call": webhook.call_id})
                await self._control.hang_up(webhook.call_id)
            return
        new = self._steps.heard(old, webhook, self._clock())
        if old.state is not State.PLANNED or new == old:
            return
        if await self._ledger.settle(order, old, new):
            going = self._going[order_id] = _Going(order, old)
            self._move(going, new)
        else:
            # It was placed anew meanwhile, or somebody else's word was quicker.
            self.on_webhook(webhook, tag_of(order_id, serial))

    def ask_about_overdue(self) -> None:
        """Ask the carrier about calls of which no word has come in time."""
        now_s = self._clock()
        for going in self._going.values():
            due_s = going.standing.due_s
            # A request of our own ends by itself.
            is_waited_for = going.is_asked or going.standing.state is State.PLACING
            if due_s is not None and due_s <= now_s and not is_waited_for:
                going.is_asked = True
                self._spawn(self._ask_about(going))

    async def _ask_about(self, going: _Going) -> None:
        asked = going.standing
        try:
            others = await self._ledger.known(going.order, asked.serial)
            found = await self._control.find(going.order.plan.number, asked.placed_s)
        except (CarrierError, RecordsError) as error:
            log.warning("carrier cannot be asked", extra={"order": going.order.id, "error": str(error)})
            new = self._steps.not_told(going.standing, self._clock())
        else:
            new = self._steps.looked(going.standing, _own(found, asked, others), self._clock())
        finally:
            going.is_asked = False
        self._move(going, new)

    def _move(self, going: _Going, new: Standing) -> None:
        old = going.standing
        if new == old or self._going.get(going.order.id) is not going:
            # What came of a request may be told after its call is over: there is nothing to add.
            return
        self._ledger.keep(going.order, old, new)
        going.standing = new
        if new.is_settled or new.state is State.PLANNED:
            del self._going[going.order.id]
        if new.state is not old.state:
            log.info("order", extra={"order": going.order.id, "state": new.state.value, "call": new.call_id})
            self._moved(going.order, new)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)


def _own(found: Iterable[PlacedCall], asked: Standing, others: Set[str]) -> PlacedCall | None:
    """The call of a request among those that the carrier knows; of a request without a name, one that is no other's."""
    names = {asked.request_id, asked.call_id} - {""}
    if names:
        return next((call for call in found if {call.request_id, call.call_id} & names), None)
    return next((call for call in found if not {call.request_id, call.call_id} & others), None)
