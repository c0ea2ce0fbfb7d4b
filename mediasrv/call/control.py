"""What a call may ask of its carrier beyond its stream: to be handed over to somebody else.

A carrier leads the caller away from our stream, so a call that was handed over is over for us. Where nobody answers the
caller comes back on a new stream, and the call that begins there is told of the ``Earlier`` one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

Words = Sequence[tuple[str, str]]
"""Pairs of ``caller`` or ``bot`` and what was said, oldest first."""


class HandoverOutcome(Enum):
    """What became of handing a caller over; the value can be told to a language model as it is."""

    CONNECTED = "connected"
    """The caller is in other hands."""
    NO_ANSWER = "nobody answers there"
    BUSY = "the line is busy"
    REJECTED = "the call was rejected"
    BARRED = "this number must not be called"
    FAILED = "it did not work"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverOrder:
    """Who is to take over."""

    to: str
    """A number in E.164, or a SIP address."""
    briefing: str = ""
    """What he is told before he talks with the caller; empty: the caller is put through at once."""
    caller_id: str = ""
    """The number that he sees; empty: the one that the caller has dialled."""
    timeout_s: int = 30
    """How long it rings there."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """The call before this one, with the same caller: it was handed over in vain."""

    words: Words
    outcome: HandoverOutcome


class CallControl(Protocol):
    """The carrier's switchboard, for one call."""

    async def hand_over(self, order: HandoverOrder, words: Words) -> HandoverOutcome:
        """Have somebody else take over; return when the caller is on his way to him, or when that came to nothing.

        ``words`` are what a call knows that has to go on after all. Cancelling takes it back as far as that goes.
        """
