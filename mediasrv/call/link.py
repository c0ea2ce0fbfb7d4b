"""The two things a call may do to its carrier stream; the server's media door is one, tests have theirs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from mediasrv.call.control import CallControl, Earlier
from mediasrv.wire.events import Command
from mediasrv.wire.protocol import CarrierProtocol

INBOUND, OUTBOUND = "inbound", "outbound"
"""Who has called: somebody us, or we somebody."""


def direction_of(word: str) -> str:
    """A carrier's word for who has called, as ``CallDetails`` has it; empty for anything else."""
    return word if word in (INBOUND, OUTBOUND) else ""


class Link(Protocol):
    """The way from a call to its caller."""

    def send(self, command: Command) -> None:
        """Write a command to the carrier; returns at once, and silently when the stream is gone."""

    def close(self) -> None:
        """Close the stream, on which the carrier hangs up; safe to call twice."""


@runtime_checkable
class WiredLink(Link, Protocol):
    """A link that speaks a carrier's protocol, which another may take the place of."""

    wire: CarrierProtocol
    """Reads and writes the messages of the stream."""
    start: str | bytes
    """The message that began it."""


@dataclass(frozen=True, slots=True)
class CallDetails:
    """What is known of a call beyond its stream, from the answer webhook and the stream's URL."""

    carrier: str
    """The carrier's name."""
    from_number: str = ""
    """The caller, in E.164, where known."""
    to_number: str = ""
    """The number called, likewise."""
    body: dict[str, Any] = field(default_factory=dict)
    """What the URL's ``body`` parameter held."""
    direction: str = INBOUND
    """``outbound`` where the carrier says that we have called; ``inbound`` otherwise."""
    control: CallControl | None = None
    """By which the call can be handed over, where the carrier's account is known."""
    earlier: Earlier | None = None
    """The call that the same caller comes back from, where it was handed over in vain."""
