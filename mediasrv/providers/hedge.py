"""Hedging: when the first result does not come in time, ask again, and take whoever answers first.

The next attempt starts when the deadline of the one before has passed, and at once when it fails. The race is over with
the first item of any; all others are closed before that is told, so nothing is ever seen of them, and the winner's
stream is read by whoever ran the race, with nobody in between.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from mediasrv.errors import ProviderError
from mediasrv.providers.stopping import stop

T = TypeVar("T")


class Fate(Enum):
    """What became of an attempt."""

    ANSWERED = "answered"
    """It gave its first item, or ended without any."""
    OVERTAKEN = "overtaken"
    """Another one answered while it was waited for."""
    FAILED = "failed"
    """It raised."""


@dataclass(frozen=True, slots=True)
class Attempt(Generic[T]):
    """One way to get the stream."""

    open: Callable[[], AsyncGenerator[T]]
    deadline_s: float
    """How long to wait for its first item before the next attempt is made beside it."""
    settle: Callable[[Fate, float], None]
    """Told its fate and how long it had been waited for, in seconds; a plain call."""


@dataclass(slots=True)
class _Runner(Generic[T]):
    attempt: Attempt[T]
    stream: AsyncGenerator[T]
    first: asyncio.Task[T | None]
    begun_s: float

    def settle(self, fate: Fate) -> None:
        self.attempt.settle(fate, asyncio.get_running_loop().time() - self.begun_s)

    async def close(self) -> None:
        try:
            await stop(self.first)
        finally:
            await self.stream.aclose()


class Race(Generic[T]):
    """A race of attempts; close it whatever becomes of it."""

    def __init__(self, attempts: Sequence[Attempt[T]]) -> None:
        self._waiting = list(attempts)
        self._running: list[_Runner[T]] = []
        self._loop = asyncio.get_running_loop()
        self._news: asyncio.Future[bool] | None = None

    async def run(self) -> tuple[AsyncGenerator[T], T | None]:
        """Return the stream of the first attempt that gives an item, and the item; or ``None`` where it ends without.

        The stream stays the race's to close. Raise the last attempt's ``ProviderError`` when all fail.
        """
        self._start_next()
        while True:
            if await self._takes_too_long():
                self._start_next()
            for runner in self._done():
                error = runner.first.exception()
                if error is None:
                    runner.settle(Fate.ANSWERED)
                    await self._drop_all_but(runner)
                    return runner.stream, runner.first.result()
                await self._give_up(runner, error)

    def _start_next(self) -> None:
        attempt = self._waiting.pop(0)
        stream = attempt.open()
        first: asyncio.Task[T | None] = self._loop.create_task(_first(stream))
        first.add_done_callback(lambda _: self._tell(False))
        self._running.append(_Runner(attempt, stream, first, self._loop.time()))

    def _done(self) -> list[_Runner[T]]:
        return [each for each in self._running if each.first.done()]

    async def _takes_too_long(self) -> bool:
        """Wait until an attempt has come to something; whether the latest takes too long before any has."""
        if self._done():
            return False
        self._news = self._loop.create_future()
        latest = self._running[-1]
        due_s = latest.begun_s + latest.attempt.deadline_s
        timer = self._loop.call_at(due_s, self._tell, True) if self._waiting else None
        try:
            is_late = await self._news
        finally:
            if timer is not None:
                timer.cancel()
        return is_late and not self._done()

    def _tell(self, is_late: bool) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(is_late)

    async def _give_up(self, runner: _Runner[T], error: BaseException) -> None:
        runner.settle(Fate.FAILED)
        self._running.remove(runner)
        await runner.stream.aclose()
        if not isinstance(error, ProviderError):
            raise error
        if self._waiting:
            self._start_next()
        elif not self._running:
            raise error

    async def _drop_all_but(self, winner: _Runner[T]) -> None:
        losers = [each for each in self._running if each is not winner]
        self._running = [winner]
        for loser in losers:
            loser.settle(Fate.OVERTAKEN)
        await _close(losers)

    async def aclose(self) -> None:
        """Close whatever is open."""
        running, self._running = self._running, []
        await _close(running)


async def _close(runners: Sequence[_Runner[T]]) -> None:
    """Close all, whatever comes between: a stream that is left open holds a provider's connection."""
    if runners:
        try:
            await runners[0].close()
        finally:
            await _close(runners[1:])


async def _first(stream: AsyncGenerator[T]) -> T | None:
    return await anext(stream, None)
