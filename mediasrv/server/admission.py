"""Who may come in: a slot a call, reserved when the answer document goes out, taken by the socket that follows.

    reserve ─► enter ─► claim ─► leave        a call we answered
               enter ─► claim ─► leave        a socket that nobody announced, while there is room
    reserve ─► (a minute passes)              a call that never came

A caller who was sent to us is never refused at the socket: the slot waits for the stream, together with what the answer
webhook knew of the call. Plivo tries a failed connection twice more, so a slot whose socket came to nothing is kept for
the next one. Time is the caller's, in monotonic seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.call.link import OUTBOUND
from mediasrv.turn.callee import Kind

RESERVATION_S = 60.0
"""How long an answered call may take to open its stream; Plivo gives a webhook no longer than that to answer."""
FULL = "full"
"""Why a call is refused for which there is no slot."""
DRAIN_RESERVATION_S = 5.0
"""The same once we want to stop: a stream that is on its way comes within a second or two."""


@dataclass(slots=True, eq=False)
class Slot:
    """Room for one call, and what is known of it."""

    call_id: str = ""
    """The carrier's name for the call; empty until the stream tells it, where nobody announced it."""
    from_number: str = ""
    to_number: str = ""
    direction: str = ""
    expires_s: float = 0.0
    """When the reservation ends."""
    is_borrowed: bool = False
    """Let in although there was no room: it may be one of those that are reserved, and has to tell which."""
    callee: Kind = Kind.UNSURE
    """Who has picked up, where the carrier said so before its stream came."""


class Admission:
    """Counts slots; no more than ``max_calls`` are ever reserved or taken by strangers."""

    def __init__(self, max_calls: int) -> None:
        self.max_calls = max_calls
        self.is_draining = False
        self.is_overloaded = False
        """Whether those who are here already have all the time there is."""
        self.spacing_s = 0.0
        """Least time between two new calls."""
        self._next_at_s = 0.0
        self._reserved: dict[str, Slot] = {}
        self._elsewhere: dict[str, Slot] = {}
        self._taken: set[Slot] = set()

    def drain(self, now: float) -> None:
        """Let no new call in from now on; those that were sent to us may still come, if they come soon."""
        self.is_draining = True
        for slot in self._reserved.values():
            slot.expires_s = min(slot.expires_s, now + DRAIN_RESERVATION_S)

    def occupied(self, now: float) -> int:
        """Slots reserved or taken."""
        for call_id in [slot.call_id for slot in self._reserved.values() if slot.expires_s <= now]:
            del self._reserved[call_id]
        return len(self._reserved) + len(self._taken)

    def inbound(self, now: float) -> int:
        """Slots of calls that we have not made."""
        self.occupied(now)
        return sum(slot.direction != OUTBOUND for slot in (*self._reserved.values(), *self._taken))

    def refusal(self, now: float) -> str:
        """Why a new call would be refused, in a word; empty when it would not."""
        return self.lasting_refusal(now) or ("overloaded" if self.is_paced(now) else "")

    def is_paced(self, now: float) -> bool:
        """Whether a new call has to wait because the last one came a moment ago."""
        return bool(self.spacing_s) and now < self._next_at_s

    def lasting_refusal(self, now: float) -> str:
        """Why new calls are refused for more than a moment, likewise."""
        if self.is_draining:
            return "draining"
        if self.is_overloaded:
            return "overloaded"
        return FULL if self.occupied(now) >= self.max_calls else ""

    def reserve(self, call_id: str, from_number: str, to_number: str, now: float, direction: str = "") -> bool:
        """Keep a slot for a call that is about to be answered; asking again for the same call keeps the same slot."""
        if self.refusal(now) and call_id not in self._reserved:
            return False
        self._space(now)
        self.keep(call_id, from_number, to_number, now, direction)
        return True

    def keep(self, call_id: str, from_number: str, to_number: str, now: float, direction: str = "") -> None:
        """The same for a caller who was here already and comes back: he is never refused."""
        self._reserved[call_id] = Slot(call_id, from_number, to_number, direction, expires_s=now + RESERVATION_S)

    def note_elsewhere(self, call_id: str, from_number: str, to_number: str, now: float, direction: str) -> None:
        """Another process keeps room for this call, whose stream may come here all the same: it is let in and known."""
        self._forget_elsewhere(now)
        slot = Slot(call_id, from_number, to_number, direction, expires_s=now + RESERVATION_S)
        self._elsewhere[call_id] = slot

    def _forget_elsewhere(self, now: float) -> None:
        for call_id in [slot.call_id for slot in self._elsewhere.values() if slot.expires_s <= now]:
            del self._elsewhere[call_id]

    def note_callee(self, call_id: str, kind: Kind) -> None:
        """It is known who has picked up a call whose stream is on its way; nothing for any other call."""
        if call_id in self._reserved:
            self._reserved[call_id].callee = kind

    def withdraw(self, call_id: str) -> bool:
        """The call ended before its stream came, or that came to another process; whether room was kept for it.

        A socket of it that has not told its start yet keeps its slot until ``leave``, but no longer than that.
        """
        self._elsewhere.pop(call_id, None)
        for slot in self._taken:
            if slot.call_id == call_id:
                slot.expires_s = 0.0
        return self._reserved.pop(call_id, None) is not None

    def enter(self, call_id: str, now: float) -> Slot | None:
        """A socket is here, with the call that its URL names, if any: its slot, or ``None`` when there is no room.

        A reserved call is let in even while the server drains. The slot is held until ``leave``.
        """
        refusal = self.refusal(now)
        slot = self._reserved.pop(call_id, None)
        if slot is None:
            if refusal:
                return None
            slot = Slot()
            self._space(now)
        self._taken.add(slot)
        return slot

    def _space(self, now: float) -> None:
        self._next_at_s = now + self.spacing_s

    def enter_nameless(self, now: float) -> Slot | None:
        """A socket is here that will tell its call only when it starts: its slot, or ``None`` when there is no room.

        Where there is none it is let in as long as somebody is expected, and ``is_expected`` tells whether it was he.
        """
        slot = self.enter("", now)
        self._forget_elsewhere(now)
        expected = len(self._reserved) + len(self._elsewhere)
        if slot is None and sum(each.is_borrowed for each in self._taken) < expected:
            slot = Slot(is_borrowed=True)
            self._taken.add(slot)
        return slot

    def is_expected(self, slot: Slot, call_id: str) -> bool:
        """Whether there is room for the call that a slot's socket turned out to be."""
        return not slot.is_borrowed or call_id in self._reserved or call_id in self._elsewhere

    def claim(self, slot: Slot, call_id: str) -> None:
        """The stream told its call: what was reserved under that name is this slot's."""
        reserved = self._reserved.pop(call_id, None) or self._elsewhere.pop(call_id, None)
        if reserved is not None:
            slot.from_number, slot.to_number = reserved.from_number, reserved.to_number
            slot.direction, slot.callee = reserved.direction, reserved.callee
        elif slot.call_id != call_id:
            slot.from_number = slot.to_number = slot.direction = ""
        slot.call_id, slot.expires_s, slot.is_borrowed = call_id, 0.0, False

    def leave(self, slot: Slot, now: float) -> None:
        """The call is over, or its socket came to nothing before ``claim``; safe to call twice."""
        if slot in self._taken:
            self._taken.remove(slot)
            if slot.expires_s > now:
                self._reserved[slot.call_id] = slot
