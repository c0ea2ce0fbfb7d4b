"""The world outside a call: all that it is told, and by whom.

Within, a call is a machine: what it does follows from what comes in and in which order. So time stands still in it
between one thing that comes in and the next, and its own steps (of tasks, in the loop's order) are counted. A capture
keeps what came in, when, and behind which step; a replay lets the same come in at the same places.

What a call waits for outside, it waits for at a ``Channel``: a provider's stream, an agent's code, a carrier's
switchboard. What runs there runs in contexts of its own, by which its steps are told from those of the call.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextvars import Context, ContextVar, copy_context
from typing import Any

from mediasrv.call.call import Call
from mediasrv.call.effort import Effort
from mediasrv.call.observer import Observer

END = object()
"""What stands behind the last item of a stream."""

PLAIN_ACTS = frozenset({"write"})
"""What agents do to a call without waiting for it."""

world_of: ContextVar[World | None] = ContextVar("world", default=None)
"""The world around the call that a context belongs to."""

Begin = Callable[["Channel"], AsyncGenerator[Any]]
"""Opens what is outside."""


class World(ABC):
    """Of one call. ``now`` is the time of what came in last, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.effort = Effort(Observer())
        """What the call leaves out, as it stood when something came in last."""
        self._opened: dict[str, int] = {}

    def name(self, kind: str) -> str:
        """A name for the next channel of a kind."""
        number = self._opened[kind] = self._opened.get(kind, 0) + 1
        return f"{kind} {number}"

    @abstractmethod
    def open(
        self, kind: str, begin: Begin, words: AsyncIterator[str] | None = None, call: Call | None = None
    ) -> Channel:
        """Open a channel; ``words`` are what it is going to ask the call for, ``call`` is whom it may act upon."""

    @abstractmethod
    def tell(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Tell somebody outside, who answers by a channel, or not at all."""


class Channel(ABC):
    """A stream of what happens outside, read one item at a time."""

    def __init__(self, name: str, words: AsyncIterator[str] | None, call: Call | None) -> None:
        self.name = name
        self._words = words
        self._call = call
        self._context = copy_context()
        self._loop = asyncio.get_running_loop()
        self._pulling: asyncio.Task[None] | None = None
        self._acts: dict[int, asyncio.Task[None]] = {}

    @abstractmethod
    def next(self) -> asyncio.Future[Any]:
        """Ask for an item, or for ``END``; fails as the stream does."""

    @abstractmethod
    def close(self) -> asyncio.Future[None] | None:
        """Stop it; what is returned is done when it has stopped, and is ``None`` when it had before."""

    # -- what comes in by it -------------------------------------------------------------------------------------

    def pull(self, then: Callable[[Any], None]) -> None:
        """Have the call make its next words; ``then`` takes them, ``END`` or what they failed with."""
        assert self._words is not None
        self._pulling = self._loop.create_task(_next_of(self._words, then), context=self._context.copy())

    def stop_pulling(self) -> None:
        """They are not wanted."""
        if self._pulling is not None:
            self._pulling.cancel()

    async def settled(self) -> None:
        """Return when no words are in the making; end them."""
        if self._pulling is not None and not self._pulling.done():
            await asyncio.wait([self._pulling])
        if isinstance(self._words, AsyncGenerator):
            await self._words.aclose()

    def act(
        self,
        number: int,
        method: str,
        arguments: Sequence[Any],
        keywords: Mapping[str, Any],
        then: Callable[[Any], None],
    ) -> None:
        """Do something to the call; ``then`` takes what comes of it, or what it failed with."""
        work = getattr(self._call, method)
        if method in PLAIN_ACTS:
            self._context.copy().run(work, *arguments, **keywords)
            return
        task = self._loop.create_task(_outcome_of(work(*arguments, **keywords), then), context=self._context.copy())
        self._acts[number] = task

    def stop_acting(self, number: int) -> None:
        """It is not waited for any more."""
        if number in self._acts:
            self._acts[number].cancel()


async def stream(channel: Channel) -> AsyncGenerator[Any]:
    """What comes by a channel; closing this closes it."""
    try:
        while (item := await channel.next()) is not END:
            yield item
    finally:
        closing = channel.close()
        if closing is not None:
            await closing
        await channel.settled()


async def answer(channel: Channel) -> Any:
    """The one item that comes by a channel; cancelling closes it."""
    try:
        return await channel.next()
    finally:
        closing = channel.close()
        if closing is not None:
            await closing


async def _next_of(words: AsyncIterator[str], then: Callable[[Any], None]) -> None:
    await _outcome_of(anext(words, END), then)


async def _outcome_of(work: Coroutine[Any, Any, Any], then: Callable[[Any], None]) -> None:
    try:
        outcome = await work
    except asyncio.CancelledError as cancelled:
        then(cancelled)
        raise
    except Exception as error:  # Told to whoever waits for it.
        outcome = error
    then(outcome)


def context_for(world: World | None) -> Context:
    """The present context, as it is for somebody within that world, or outside all."""
    context = copy_context()
    context.run(world_of.set, world)
    return context
