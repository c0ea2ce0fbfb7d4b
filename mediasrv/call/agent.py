"""``Agent``: the operator's half of a conversation.

The keys of ``[agents.NAME]`` make an agent without any code. A subclass sets the same things as class attributes, adds
tools and hears of what happens. One agent object serves all of its calls, so what belongs to one call belongs on a
``dict`` keyed by ``call.id``.
"""

from __future__ import annotations

from mediasrv.call.call import Call


class Agent:
    """Base of all agents; attributes left at ``None`` come from the configuration."""

    instructions: str | None = None
    """What the language model is told about its part."""
    greeting: str | None = None
    """First words of the call; empty: wait for the caller."""

    async def start(self) -> None:
        """The server starts: open what all calls need. What this raises keeps the server from starting."""

    async def aclose(self) -> None:
        """The server stops."""

    async def on_start(self, call: Call) -> None:
        """A call has begun; the greeting is on its way."""

    async def on_callee(self, call: Call, kind: str) -> None:
        """It is known who has picked up a call of ours: ``human``, ``machine`` or ``screening``; it may change."""

    async def on_dtmf(self, call: Call, digit: str) -> None:
        """The caller pressed a key that nobody is collecting."""

    async def on_end(self, call: Call) -> None:
        """The call is over; ``call`` can be read but not spoken to."""
