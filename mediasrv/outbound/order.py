"""An order to call somebody, and how it stands: pure steps from one standing to the next.

    PLANNED ─► PLACING ─► PLACED ─► RINGING ─► ANSWERED ─► ENDED
       ▲          │ outcome not known                        │ busy, no answer
       │          ▼                                          │
       ├─── UNCERTAIN ─► PLACED … (it was found)             │
       └── not placed, no room, to be tried again ◄──────────┘         FAILED: refused, or given up

A call is asked for once. When nobody knows what became of the request the carrier is asked for its calls to that
number, again and again, and only when it has known of none for ``uncertain_for_s`` may the order be placed anew. What
webhooks tell may come late, twice, out of order or never: a standing only moves forward, and where no word comes by its
deadline, the carrier is asked. Times are seconds since the epoch, for they must outlive the process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from mediasrv.carriers.base import Happening, PlacedCall, Webhook
from mediasrv.outbound.causes import Ending, ending_of, is_over, state_word
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.rules import Plan

LONGEST_BACK_OFF_S = 60.0
"""Of what was not placed."""
MOST_LOOKS = 3
"""How often it is asked about a call of which it does not tell; then the call counts as over."""
GIVE_UP_AFTER_S = 3600.0
"""How long an uncertain call is looked for when the carrier does not answer; then it is left alone for good."""
NOT_PLACED = "not placed"
NO_WORD = "no word from the carrier"
UNKNOWN = "nobody knows whether it was placed"


class State(Enum):
    """How an order stands."""

    PLANNED = "planned"
    PLACING = "placing"
    UNCERTAIN = "uncertain"
    PLACED = "placed"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"
    FAILED = "failed"


UNSETTLED = (State.PLACING, State.UNCERTAIN, State.PLACED, State.RINGING, State.ANSWERED)
"""There is a call, or may be one."""
_ORDER = {state: place for place, state in enumerate((*UNSETTLED, State.ENDED))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What was ordered; it never changes."""

    id: str
    plan: Plan
    agent: str
    body: str = ""
    """What the agent is handed, as JSON."""
    campaign: str = ""
    ordered_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How it stands."""

    state: State = State.PLANNED
    since_s: float = 0.0
    """When that began."""
    due_s: float | None = 0.0
    """When something must be done about it: call, or ask the carrier; ``None``: never again."""
    serial: int = 0
    """Which request this is; webhooks bring it back."""
    calls: int = 0
    """Calls of this order that rang, or may have."""
    tries: int = 0
    """Requests in a row for which the carrier had no room, or which were not placed."""
    looks: int = 0
    """How often in a row the carrier was asked about this request."""
    placed_s: float = 0.0
    """When it was made."""
    request_id: str = ""
    call_id: str = ""
    cause: str = ""
    """Why it has failed or ended; of a planned order, why it is tried again."""
    machine: bool | None = None
    """Whether a machine has answered, where anybody has told."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing will happen any more."""
        return self.state in (State.ENDED, State.FAILED)


class Steps:
    """From one standing to the next."""

    def __init__(self, options: OutboundOptions) -> None:
        self._options = options

    def begin(self, old: Standing, now_s: float) -> Standing:
        """The request is about to be made."""
        return Standing(
            state=State.PLACING,
            since_s=now_s,
            due_s=now_s + self._options.webhook_within_s,
            placed_s=now_s,
            serial=old.serial + 1,
            calls=old.calls + 1,
            tries=old.tries,
        )

    def refuse(self, old: Standing, reason: str, now_s: float) -> Standing:
        """A rule forbids it."""
        return replace(old, state=State.FAILED, since_s=now_s, due_s=None, cause=reason)

    def accepted(self, old: Standing, placed: PlacedCall, now_s: float) -> Standing:
        """The carrier has taken the request; what webhooks have told meanwhile stands."""
        known = replace(old, request_id=placed.request_id, call_id=old.call_id or placed.call_id)
        return self._advance(known, State.PLACED, now_s) if old.state is State.PLACING else known

    def turned_down(
        self, old: Standing, cause: str, now_s: float, *, retryable: bool, retry_after_s: float = 0.0
    ) -> Standing:
        """The carrier has refused the request: nobody's phone rings. It may have said how long it has no room."""
        if old.state is not State.PLACING:
            return old
        uncounted = replace(old, calls=old.calls - 1)
        if not retryable:
            return replace(uncounted, state=State.FAILED, since_s=now_s, due_s=None, cause=cause)
        return self._wait_for_room(uncounted, cause, now_s, retry_after_s)

    def lost(self, old: Standing, now_s: float) -> Standing:
        """Nobody knows what became of the request; a call that webhooks tell of is not lost."""
        if old.state is not State.PLACING:
            return old
        return replace(old, state=State.UNCERTAIN, since_s=now_s, due_s=now_s + 1.0, looks=0)

    def resumed(self, old: Standing, now_s: float) -> Standing:
        """The process was gone for a while."""
        return replace(self.lost(old, now_s), due_s=now_s) if old.state in UNSETTLED else old

    def heard(self, old: Standing, webhook: Webhook, now_s: float) -> Standing:
        """The carrier has told about this request's call; what is known already changes nothing."""
        if old.state is State.PLANNED and old.cause == NOT_PLACED and webhook.happening in _HAPPENINGS:
            # It was placed after all, and nobody has been called anew.
            old = replace(old, state=State.UNCERTAIN, calls=old.calls + 1)
        if old.state not in UNSETTLED:
            return old
        known = replace(old, call_id=webhook.call_id or old.call_id, request_id=old.request_id or webhook.request_id)
        if webhook.machine is not None:
            known = replace(known, machine=webhook.machine)
        if webhook.happening is Happening.ENDED:
            return self._ended(known, webhook.cause, now_s)
        state = _HAPPENINGS.get(webhook.happening)
        return self._advance(known, state, now_s) if state else known

    def looked(self, old: Standing, found: PlacedCall | None, now_s: float) -> Standing:
        """The carrier was asked about an overdue request's call, and has answered."""
        if old.state not in UNSETTLED:
            return old
        if found is None:
            return self._not_found(old, now_s)
        known = replace(old, request_id=found.request_id or old.request_id, call_id=old.call_id or found.call_id)
        if is_over(found.state):
            return self._ended(known, found.state, now_s)
        ahead = self._advance(known, State(state_word(found.state)), now_s)
        # It told that the call goes on; it is asked again later.
        return replace(ahead, looks=0, due_s=max(ahead.due_s or 0.0, now_s + self._options.webhook_within_s))

    def not_told(self, old: Standing, now_s: float) -> Standing:
        """The carrier was asked, and has not answered."""
        if old.state not in UNSETTLED:
            return old
        if now_s - old.since_s > GIVE_UP_AFTER_S and old.state is State.UNCERTAIN:
            return replace(old, state=State.FAILED, since_s=now_s, due_s=None, cause=UNKNOWN)
        return self._look_again(old, now_s)

    def _not_found(self, old: Standing, now_s: float) -> Standing:
        if old.state is State.UNCERTAIN:
            if now_s - old.since_s < self._options.uncertain_for_s:
                return self._look_again(old, now_s)
            return self._wait_for_room(replace(old, calls=old.calls - 1), NOT_PLACED, now_s)
        if old.looks + 1 >= MOST_LOOKS:
            return self._ended(old, NO_WORD, now_s)
        return self._look_again(old, now_s)

    def _look_again(self, old: Standing, now_s: float) -> Standing:
        return replace(old, looks=old.looks + 1, due_s=now_s + _back_off(1.0, old.looks + 1))

    def _wait_for_room(self, old: Standing, cause: str, now_s: float, at_least_s: float = 0.0) -> Standing:
        if old.tries + 1 >= self._options.congestion_tries:
            return replace(old, state=State.FAILED, since_s=now_s, due_s=None, cause=cause)
        due_s = now_s + max(at_least_s, _back_off(self._options.congestion_retry_s, old.tries))
        return replace(old, state=State.PLANNED, since_s=now_s, due_s=due_s, tries=old.tries + 1, cause=cause, looks=0)

    def _advance(self, old: Standing, state: State, now_s: float) -> Standing:
        if _ORDER[state] <= _ORDER[old.state]:
            return old
        patience_s = self._options.time_limit_s if state is State.ANSWERED else self._options.ring_timeout_s
        due_s = now_s + patience_s + self._options.webhook_within_s
        return replace(old, state=state, since_s=now_s, due_s=due_s, looks=0)

    def _ended(self, old: Standing, cause: str, now_s: float) -> Standing:
        ending = ending_of(cause) if old.state is not State.ANSWERED else Ending.OTHER
        if ending is Ending.CONGESTION:
            return self._wait_for_room(replace(old, calls=old.calls - 1), cause, now_s)
        if ending.value in self._options.retry_on and old.calls < self._options.most_calls:
            due_s = now_s + self._options.retry_after_s * 2 ** (old.calls - 1)
            return replace(old, state=State.PLANNED, since_s=now_s, due_s=due_s, cause=cause, tries=0, looks=0)
        return replace(old, state=State.ENDED, since_s=now_s, due_s=None, cause=cause)


_HAPPENINGS = {
    Happening.RINGING: State.RINGING,
    Happening.ANSWERED: State.ANSWERED,
    Happening.MACHINE: State.ANSWERED,
    Happening.STREAM_STARTED: State.ANSWERED,
    Happening.ENDED: State.ENDED,
}


def _back_off(first_s: float, times: int) -> float:
    """Doubled each time, up to a minute."""
    return min(LONGEST_BACK_OFF_S, first_s * 2.0 ** min(times, 16))
