"""Handing calls over: who is rung, who is briefed, and where a caller goes whom nobody wanted.

    put through   redirect the caller ─► <Dial> ─► dial-up: completed ─► the end
                                                           busy, … ─► a new stream, with the words of the call before it
    briefed       place a call ─► brief ─► briefed ─► <Conference>  ─► redirect the caller ─► <Conference>
                              └─ dial-up: it ended before ─► the outcome; the caller is still with us

The carrier's questions about it come in at the ``HandoverDesk``.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from mediasrv.call.control import Earlier, HandoverOrder, HandoverOutcome, Words
from mediasrv.carriers.base import CallOrder, Control, PlacedCall
from mediasrv.errors import CarrierError
from mediasrv.server.handover import Handover, Handovers, Party

log = logging.getLogger(__name__)

BRIEFING_LIMIT_S = 60.0
"""Longest briefing; who has not heard it by then is taken for nobody."""
_FETCH_LIMIT_S = 8.0
_ADDRESS = re.compile(r"\+?[0-9]{3,15}|sips?:[^\s<>\"]{1,200}")

Screen = Callable[[str], Awaitable[str]]
"""Why a number must not be called, in a word; empty when it may be."""
Note = Callable[[str, str, str, str], None]
"""Told of a leg to somebody else: the call's name, the leg's, whose it is, and what became of it."""
Spawn = Callable[[Coroutine[Any, Any, None]], object]


async def nobody_is_barred(number: str) -> str:
    """The screen of a server that knows no list."""
    return ""


def nobody_notes(call_id: str, leg_id: str, party: str, outcome: str) -> None:
    """The note-taker of a server that keeps no records."""


class Switchboard:
    """One carrier's."""

    def __init__(
        self, control: Control, spawn: Spawn, screen: Screen = nobody_is_barred, note: Note = nobody_notes
    ) -> None:
        """``spawn`` runs what nobody waits for."""
        self._note = note
        self.standing = Handovers()
        self._control = control
        self._spawn = spawn
        self._screen = screen
        self._path = f"/{control.name}"
        self._earlier: dict[str, Earlier] = {}

    def control_of(self, party: Party) -> Switch:
        """What a call asks to be handed over by."""
        return Switch(self, party)

    def earlier(self, call_id: str) -> Earlier | None:
        """The call that this caller comes back from, told once."""
        return self._earlier.pop(call_id, None)

    def comes_back(self, handover: Handover, outcome: HandoverOutcome) -> None:
        """Nobody wanted the caller: a call with him is about to begin anew."""
        self._earlier[handover.party.call_id] = Earlier(handover.words, outcome)

    def way_of(self, call_id: str) -> str:
        """Where the document is that a caller is being led to; empty for one who is led nowhere."""
        return next((each.way for each in self.standing.of(call_id) if not each.is_fetched.is_set()), "")

    def hung_up(self, call_id: str) -> None:
        """A call is over, and with it what was to become of it."""
        self._earlier.pop(call_id, None)
        for handover in self.standing.of(call_id):
            self.standing.forget(handover)
            if handover.callee_id:
                self._spawn(self._drop(handover, time.time()))

    # -- the order -----------------------------------------------------------------------------------------------

    async def hand_over(self, party: Party, order: HandoverOrder, words: Words) -> HandoverOutcome:
        """See ``CallControl.hand_over``."""
        if not _ADDRESS.fullmatch(order.to):
            log.error("call cannot be handed over: that is no number and no SIP address", extra={"call": party.call_id})
            return HandoverOutcome.FAILED
        if reason := await self._screen(order.to):
            log.info("handover is barred", extra={"call": party.call_id, "rule": reason})
            return HandoverOutcome.BARRED
        handover = self.standing.begin(party, order, words)
        outcome = await (self._brief(handover) if order.briefing else self._lead_away(handover, "dial"))
        log.info("handover", extra={"call": party.call_id, "outcome": outcome.value, "briefed": bool(order.briefing)})
        self.note(handover, outcome)
        if outcome is not HandoverOutcome.CONNECTED:
            self.standing.forget(handover)
        return outcome

    def note(self, handover: Handover, outcome: HandoverOutcome) -> None:
        """Have it written down what became of a leg, as far as it is known; the last word counts."""
        leg_id = handover.callee_id or handover.name
        self._note(handover.party.call_id, leg_id, handover.order.to, outcome.value)

    async def _lead_away(self, handover: Handover, part: str) -> HandoverOutcome:
        """Have the caller's leg go on with another document."""
        handover.way = handover.url(f"{self._path}/callback/transfer", part=part)
        try:
            await self._control.redirect(handover.party.call_id, handover.way)
        except CarrierError as error:
            log.error("caller cannot be led away", extra={"call": handover.party.call_id, "error": str(error)})
            if not error.uncertain or not await self._is_led_away(handover):
                return HandoverOutcome.FAILED
        return HandoverOutcome.CONNECTED

    @staticmethod
    async def _is_led_away(handover: Handover) -> bool:
        """The carrier may have obeyed: then it asks for the document."""
        try:
            async with asyncio.timeout(_FETCH_LIMIT_S):
                return await handover.is_fetched.wait()
        except TimeoutError:
            return False

    async def _brief(self, handover: Handover) -> HandoverOutcome:
        """Ring somebody, have him briefed, and lead the caller to him."""
        asked_s = time.time()
        outcome = HandoverOutcome.FAILED
        try:
            outcome = await self._consult(handover)
            if outcome is HandoverOutcome.CONNECTED:
                outcome = await self._lead_away(handover, "room")
            return outcome
        finally:
            # Whoever was rung and does not get to talk with the caller, for whatever reason, is not kept.
            if outcome is not HandoverOutcome.CONNECTED:
                self._spawn(self._drop(handover, asked_s))

    async def _consult(self, handover: Handover) -> HandoverOutcome:
        order, dial_up = handover.order, handover.url(f"{self._path}/dial-up")
        call = CallOrder(
            to_number=order.to,
            from_number=order.caller_id or handover.party.our_number,
            answer_url=handover.url(f"{self._path}/callback/transfer", part="brief"),
            status_url=dial_up,
            machine_url=dial_up,
            ring_timeout_s=order.timeout_s,
        )
        try:
            placed = await self._place(handover, call)
            handover.callee_id = placed.call_id or placed.request_id
        except CarrierError as error:
            log.error("nobody can be rung", extra={"call": handover.party.call_id, "error": str(error)})
            if not error.uncertain:
                return HandoverOutcome.FAILED
        return await self._outcome(handover, order.timeout_s + BRIEFING_LIMIT_S)

    async def _place(self, handover: Handover, order: CallOrder) -> PlacedCall:
        """Ring somebody who is to be briefed."""
        return await self._control.place(order)

    @staticmethod
    async def _outcome(handover: Handover, limit_s: float) -> HandoverOutcome:
        """What becomes of it; who is silent for so long is taken for nobody."""
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.shield(handover.outcome)
        except TimeoutError:
            return HandoverOutcome.NO_ANSWER

    async def _drop(self, handover: Handover, asked_s: float) -> None:
        """End the call to whoever was rung, if there is one; must not raise."""
        try:
            if handover.callee_id:
                await self._control.hang_up(handover.callee_id)
                return
            for call in await self._control.find(handover.order.to, asked_s):
                await self._control.hang_up(call.call_id or call.request_id)
        except CarrierError as error:
            log.error("the other leg is left alone", extra={"call": handover.party.call_id, "error": str(error)})


class Switchboards(dict[str, Switchboard]):
    """Those of a server by carrier, where its account is known."""

    def control_of(self, carrier: str, party: Party) -> Switch | None:
        """By which a call can be handed over, if it can."""
        return self[carrier].control_of(party) if carrier in self else None

    def earlier(self, carrier: str, call_id: str) -> Earlier | None:
        """The call that a caller comes back from whom nobody wanted."""
        return self[carrier].earlier(call_id) if carrier in self else None

    def way_of(self, carrier: str, call_id: str) -> str:
        """Where the document is that a caller is being led to, if he is."""
        return self[carrier].way_of(call_id) if carrier in self else ""

    def rings(self, now: float) -> bool:
        """Whether a caller may come back."""
        return any(board.standing.rings(now) for board in self.values())

    def hung_up(self, call_id: str) -> None:
        """A call is over."""
        for board in self.values():
            board.hung_up(call_id)


class Switch:
    """``Switchboard``, for one call."""

    def __init__(self, board: Switchboard, party: Party) -> None:
        self._board = board
        self._party = party

    async def hand_over(self, order: HandoverOrder, words: Words) -> HandoverOutcome:
        """See ``CallControl.hand_over``."""
        return await self._board.hand_over(self._party, order, words)
