"""What the server knows of calls, and of those who answer them: the contracts with ``call/`` and with its own doors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, Protocol

from mediasrv.call.call import Call
from mediasrv.call.effort import Effort
from mediasrv.call.figures import Figures
from mediasrv.call.levels import Levels
from mediasrv.call.link import CallDetails, Link
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import Event, StreamStarted


class LiveCall(Protocol):
    """A call, as its stream sees it."""

    @property
    def figures(self) -> Figures:
        """What may be read off it at any time."""

    @property
    def patience(self) -> int:
        """How many of the caller's next frames may be given to ``receive`` together, when the last has come."""

    def receive(self, event: Event, came_s: float | None = None, /) -> None:
        """Take what the carrier says, and has said at ``came_s`` if not now; a plain call that does not raise."""

    def callee_is(self, kind: Kind, /) -> None:
        """Somebody else knows who has picked up."""

    def instruct(self, work: Callable[[Call], Coroutine[Any, Any, None]], /) -> bool:
        """Have somebody's work done on this call, beside all else; ``False`` when it is over. A plain call."""

    def watch(self) -> Levels:
        """Measure both voices from now on, until ``unwatch``; plain calls."""

    def unwatch(self) -> None:
        """Nobody watches any more."""

    def end(self, cause: str, /) -> None:
        """End the call, at once; the first cause counts."""

    async def run(self) -> str:
        """Conduct the call and return the cause of its end; cancelling ends it at once."""


class Agency(Protocol):
    """Those who answer calls."""

    @property
    def names(self) -> Collection[str]:
        """The agents' names."""

    @property
    def forwards(self) -> Mapping[str, str]:
        """Agents whose calls are put through to somebody else at once, and to whom."""

    @property
    def effort(self) -> Effort:
        """What their calls leave out."""

    def take_least_lead(self) -> float:
        """The least that a carrier had left of what we say (s) since this was last asked; infinite for nothing said."""

    async def start(self) -> None:
        """Get ready for calls; raise ``ConfigError`` for what the operator must mend."""

    async def aclose(self) -> None:
        """Free everything."""

    async def prepare(self, agent_name: str, /) -> None:
        """A call is about to come for an agent: have what it needs open. Takes seconds at most; must not raise."""

    def open(self, agent_name: str, started: StreamStarted, link: Link, details: CallDetails, /) -> LiveCall:
        """Open a call, whose ``receive`` may be called at once and whose ``run`` follows."""


class Stream(Protocol):
    """A call's socket, as the rest of the server sees it."""

    stream_id: str
    """The carrier's name for the stream."""
    call: LiveCall | None
    """What is on it, once it has started."""

    def hang_up(self, reason: str) -> None:
        """End the call, as the carrier would with a word on the stream."""

    def callee_is(self, kind: Kind) -> None:
        """The carrier knows who has picked up."""

    def turn_away(self) -> None:
        """Close the socket because the server stops."""
