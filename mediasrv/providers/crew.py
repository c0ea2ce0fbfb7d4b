"""A crew: the providers of one stage in the order of preference, with what is known of their health and speed.

A request goes to the first whose breaker allows it. When its first result is not there by the deadline that its recent
answers suggest, the same request is made beside it, of the next or, in a crew of one, of the same again; a failure is
followed by the next at once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Provider
from mediasrv.providers.breaker import FAILURES_TO_OPEN, FIRST_REST_S, LONGEST_REST_S, Breaker
from mediasrv.providers.hedge import Attempt, Fate, Race
from mediasrv.providers.latency import Latency
from mediasrv.providers.vigil import Excuse, Vigil, no_excuse
from mediasrv.providers.witness import Outcome, Requests

log = logging.getLogger(__name__)

P = TypeVar("P", bound=Provider)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a stage waits."""

    first_min_ms: int
    """The learned deadline for the first result is no less than this."""
    first_max_ms: int
    """And no more than this, which it is before anything is learned."""
    limit_ms: int
    """Longest wait for the first result, whoever was asked meanwhile."""
    gap_ms: int
    """Longest silence between two results."""
    extra_percent: int
    """Of all requests, how many may be made twice because the first was slow."""
    failures: int = FAILURES_TO_OPEN
    """In a row, after which a provider is left alone."""
    rest_ms: int = round(1000 * FIRST_REST_S)
    """For how long at first; each time twice the last."""
    longest_rest_ms: int = round(1000 * LONGEST_REST_S)
    """And at most."""


@dataclass(slots=True, eq=False)
class Member(Generic[P]):
    """One provider of a crew."""

    provider: P
    latency: Latency
    breaker: Breaker


def _breaker(patience: Patience) -> Breaker:
    return Breaker(patience.failures, patience.rest_ms / 1000, patience.longest_rest_ms / 1000)


def _always() -> bool:
    return True


def _nobody(stage: str, provider: str, fate: Fate) -> None:
    """Counts nothing."""


def _unnoted(provider: Provider, item: object) -> None:
    """Notes nothing."""


class Crew(Generic[P]):
    """Whom to ask, in which order, and when to ask the next."""

    def __init__(
        self,
        stage: str,
        providers: Sequence[P],
        patience: Patience,
        may_hedge: Callable[[], bool] = _always,
        settled: Callable[[str, str, Fate], None] = _nobody,
    ) -> None:
        """``may_hedge`` is asked whether there is time for a second request where the first is no more than slow.

        ``settled`` is told the stage, the provider and the fate of each attempt.
        """
        self.stage = stage
        self._settled = settled
        self._may_hedge = may_hedge
        first_min_s, first_max_s = patience.first_min_ms / 1000, patience.first_max_ms / 1000
        self.members = [Member(each, Latency(first_min_s, first_max_s), _breaker(patience)) for each in providers]
        self._patience = patience
        self.requests = 0
        """Requests that were asked for."""
        self.failures = 0
        """Attempts that failed."""
        self._opened = 0

    @property
    def name(self) -> str:
        """The names of its providers."""
        return ", ".join(member.provider.name for member in self.members)

    @property
    def extra_requests(self) -> int:
        """Attempts made beside one that was slow; each failure has one more that replaces it."""
        return max(0, self._opened - self.requests - self.failures)

    async def start(self) -> None:
        """Start all; raise ``ConfigError`` for the first that cannot, and stop the others."""
        started = await asyncio.gather(*(each.provider.start() for each in self.members), return_exceptions=True)
        errors = [result for result in started if isinstance(result, BaseException)]
        if errors:
            await self.aclose()
            raise errors[0] if not isinstance(errors[0], ProviderError) else ConfigError(str(errors[0]))

    async def aclose(self) -> None:
        """Stop all."""
        for member in self.members:
            await member.provider.aclose()

    async def each(self, act: Callable[[P], Coroutine[Any, Any, None]]) -> None:
        """Have all do something at a time; one that fails is told of in the log, and keeps no other from it."""
        await asyncio.gather(*(self.attempt(act(member.provider)) for member in self.members))

    async def attempt(self, act: Awaitable[None]) -> None:
        """Do something that may fail: what fails here fails again, and is told, in the call."""
        try:
            await act
        except ProviderError as error:
            log.warning("provider is not ready", extra={"stage": self.stage, "error": str(error)})

    def in_order(self, last: Collection[Member[P]] = ()) -> list[Member[P]]:
        """Those who may be asked, in the order of preference, with some at the end; all of them when none may."""
        now = asyncio.get_running_loop().time()
        able = [member for member in self.members if member.breaker.allows(now)] or self.members
        return sorted(able, key=lambda member: member in last)

    async def ask(
        self,
        request: Callable[[P], AsyncGenerator[T]],
        *,
        excuse: Excuse = no_excuse,
        note: Callable[[P, T], None] = _unnoted,
        broken: list[Member[P]] | None = None,
    ) -> AsyncGenerator[T]:
        """Yield what whoever answers first gives; raise ``ProviderError`` when nobody does, or stops in the middle.

        ``excuse`` is asked whether a silence is somebody else's; ``note`` is told of each item and whose it is, before
        it is passed on. Those in ``broken`` are asked last, and whoever stops in the middle is added to them.
        """
        self.requests += 1
        broken = [] if broken is None else broken
        members = self.in_order(broken)
        if len(members) == 1:
            members *= 2
        won: list[Member[P]] = []
        made = Requests(self.stage)
        race = Race([self._attempt(member, request, index, won, made) for index, member in enumerate(members)])
        vigil = Vigil(self._patience.limit_ms / 1000, excuse)
        try:
            stream, item = await vigil.wait(race.run())
            provider = won[0].provider
            vigil.limit_s = self._patience.gap_ms / 1000
            while item is not None:
                note(provider, item)
                yield item
                item = await vigil.wait(anext(stream))
            made.end_all(Outcome.ANSWERED, Outcome.DROPPED)
        except StopAsyncIteration:
            made.end_all(Outcome.ANSWERED, Outcome.DROPPED)
        except TimeoutError:
            for name in made.unanswered:
                self._settled(self.stage, name, Fate.FAILED)
            made.end_all(Outcome.FAILED, Outcome.FAILED)
            message = "stopped in the middle" if won else "gave no answer"
            self._blame(won or members, broken)
            won.clear()
            raise ProviderError(message, stage=self.stage, provider=self.name, retryable=True) from None
        except ProviderError:
            made.end_all(Outcome.FAILED, Outcome.FAILED)
            self._blame(won, broken)
            won.clear()
            raise
        finally:
            vigil.end()
            # Who answered and did not stop by itself has done well, even when it was not heard out.
            for member in won:
                member.breaker.succeeded()
            made.end_all(Outcome.CUT, Outcome.DROPPED)
            await race.aclose()

    def _blame(self, members: Sequence[Member[P]], broken: list[Member[P]]) -> None:
        now = asyncio.get_running_loop().time()
        for member in dict.fromkeys(members):
            member.breaker.failed(now)
            if member not in broken:
                broken.append(member)

    def _attempt(
        self,
        member: Member[P],
        request: Callable[[P], AsyncGenerator[T]],
        index: int,
        won: list[Member[P]],
        made: Requests,
    ) -> Attempt[T]:
        def begin() -> AsyncGenerator[T]:
            self._opened += 1
            made.begin(index, member.provider.name)
            return request(member.provider)

        def settle(fate: Fate, waited_s: float) -> None:
            if fate is Fate.ANSWERED:
                made.answer(index)
            else:
                made.end(index, Outcome(fate.value))
            self._settle(member, index == 0, won, fate, waited_s)

        return Attempt(begin, self._deadline_s(member), settle)

    def _deadline_s(self, member: Member[P]) -> float:
        if len(self.members) == 1 and not member.provider.is_elastic:
            return self._patience.limit_ms / 1000
        is_affordable = self.extra_requests * 100 < self._patience.extra_percent * self.requests
        return member.latency.deadline_s if is_affordable and self._may_hedge() else self._patience.first_max_ms / 1000

    def _settle(self, member: Member[P], is_first: bool, won: list[Member[P]], fate: Fate, waited_s: float) -> None:
        now = asyncio.get_running_loop().time()
        self._settled(self.stage, member.provider.name, fate)
        match fate:
            case Fate.FAILED:
                self.failures += 1
                member.breaker.failed(now)
                return
            case Fate.ANSWERED:
                won.append(member)
            case Fate.OVERTAKEN if waited_s >= self._patience.first_max_ms / 1000:
                # Not slow but hanging; three in a row, and nobody waits for it any more.
                member.breaker.failed(now)
        # A second request is known by its quick answers only: to learn from those would flatter the provider. A first
        # one that was overtaken took at least as long as it was waited for.
        if is_first:
            member.latency.note(waited_s)
