"""One handover: who is on the line, who is to take over, what is known of it, and for how long that is kept.

A handover has a name that cannot be guessed; it stands in the URLs that the carrier fetches. What is known of one is
forgotten when the call is over, or after the longest time that it may take.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from mediasrv.call.control import HandoverOrder, HandoverOutcome, Words
from mediasrv.call.link import OUTBOUND

LIFE_S = 5 * 3600.0
"""A talk may take four hours, and what comes after it is asked then."""
MOST = 10_000
GRACE_S = 15.0
"""From the order to the ringing, and from its end to the carrier's question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A caller on a stream, and what his stream was opened with."""

    call_id: str
    agent: str
    origin: str
    """At which the carrier reaches us."""
    body: Mapping[str, Any] = field(default_factory=dict)
    from_number: str = ""
    to_number: str = ""
    direction: str = ""

    @property
    def our_number(self) -> str:
        """The number of ours that the call is on: who is rung knows it, and may call it back."""
        return self.from_number if self.direction == OUTBOUND else self.to_number


@dataclass(slots=True, eq=False)
class Handover:
    """One, from the order to its end."""

    party: Party
    order: HandoverOrder
    words: Words
    outcome: asyncio.Future[HandoverOutcome]
    """What is known of it, once anything is."""
    name: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    forgotten_s: float = 0.0
    rings_until_s: float = 0.0
    """Until when the caller may come back; 0: he is never away before somebody is there."""
    way: str = ""
    """Where the document is that the caller is led to, once he is."""
    callee_id: str = ""
    """The call to whoever is briefed."""
    has_answered: bool = False
    """Whether he has picked up, where the carrier tells of it by itself."""
    is_fetched: asyncio.Event = field(default_factory=asyncio.Event)
    """Whether the carrier has asked for the document that leads the caller away."""

    def settle(self, outcome: HandoverOutcome) -> None:
        """The first outcome counts."""
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def url(self, path: str, **more: str) -> str:
        """Where the carrier asks about it; the caller's call leads to the process that knows of it."""
        return f"{self.party.origin}{path}?{urlencode({'call': self.party.call_id, 'handover': self.name, **more})}"

    def end(self) -> None:
        """Nothing will be known of it any more."""
        if not self.outcome.done():
            self.outcome.cancel()


class Handovers:
    """Those that are under way, by name; bounded in number and time."""

    def __init__(self, life_s: float = LIFE_S, most: int = MOST) -> None:
        self._life_s = life_s
        self._most = most
        self._standing: dict[str, Handover] = {}

    def begin(self, party: Party, order: HandoverOrder, words: Words) -> Handover:
        """One more; the oldest goes where there are too many."""
        loop = asyncio.get_running_loop()
        for stale in [each for each in self._standing.values() if each.forgotten_s <= loop.time()]:
            self.forget(stale)
        if len(self._standing) >= self._most:
            self.forget(next(iter(self._standing.values())))
        handover = Handover(party, order, words, loop.create_future(), forgotten_s=loop.time() + self._life_s)
        handover.rings_until_s = loop.time() + order.timeout_s + GRACE_S if not order.briefing else 0.0
        self._standing[handover.name] = handover
        return handover

    def named(self, name: str) -> Handover | None:
        """The one of a name that a URL held."""
        return self._standing.get(name)

    def of(self, call_id: str) -> list[Handover]:
        """Those of a caller."""
        return [each for each in self._standing.values() if each.party.call_id == call_id]

    def rings(self, now: float) -> bool:
        """Whether a caller is being put through who may come back: for as long as it rings there, and a moment more."""
        return any(each.is_fetched.is_set() and now < each.rings_until_s for each in self._standing.values())

    def forget(self, handover: Handover) -> None:
        """It is over."""
        self._standing.pop(handover.name, None)
        handover.end()
