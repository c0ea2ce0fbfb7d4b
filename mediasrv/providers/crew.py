"""A crew: the providers of one stage in the order of preference, with what is known of their health and speed.

A request goes to the first whose breaker allows it. When its first result is not there by the deadline that its recent
answers suggest, the same request is made beside it, of the next or, in a crew of one, of the same again; a failure is
followed by the next at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.base import Provider
from mediasrv.providers.breaker import Breaker
from mediasrv.providers.hedge import Attempt, Fate, hedged
from mediasrv.providers.latency import Latency

P = TypeVar("P", bound=Provider)
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a stage waits."""

    first_min_ms: int
    """The learned deadline for the first result is no less than this."""
    first_max_ms: int
    """And no more than this, which it is before anything is learned."""
    gap_ms: int
    """Longest silence between two results."""
    extra_percent: int
    """Of all requests, how many may be made twice because the first was slow."""


@dataclass(slots=True)
class Member(Generic[P]):
    """One provider of a crew."""

    provider: P
    latency: Latency
    breaker: Breaker


class Crew(Generic[P]):
    """Whom to ask, in which order, and when to ask the next."""

    def __init__(self, stage: str, providers: Sequence[P], patience: Patience) -> None:
        self.stage = stage
        first_min_s, first_max_s = patience.first_min_ms / 1000, patience.first_max_ms / 1000
        self.members = [Member(each, Latency(first_min_s, first_max_s), Breaker()) for each in providers]
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

    def in_order(self) -> list[Member[P]]:
        """Those who may be asked, in the order of preference; all of them when none may."""
        now = asyncio.get_running_loop().time()
        return [member for member in self.members if member.breaker.allows(now)] or list(self.members)

    async def ask(self, request: Callable[[P], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        """Yield what whoever answers first gives; raise ``ProviderError`` when nobody does, or stops in the middle."""
        self.requests += 1
        members = self.in_order()
        if len(members) == 1:
            members *= 2
        attempts = [self._attempt(member, request, index == 0) for index, member in enumerate(members)]
        stream = hedged(attempts)
        try:
            limit_s = None
            while True:
                async with asyncio.timeout(limit_s):
                    item = await anext(stream)
                yield item
                limit_s = self._patience.gap_ms / 1000
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise ProviderError("stopped in the middle", stage=self.stage, provider=self.name, retryable=True) from None
        finally:
            await stream.aclose()

    def _attempt(self, member: Member[P], request: Callable[[P], AsyncGenerator[T]], is_first: bool) -> Attempt[T]:
        may_hedge = self.extra_requests * 100 < self._patience.extra_percent * self.requests
        deadline_s = member.latency.deadline_s if may_hedge else self._patience.first_max_ms / 1000
        return Attempt(partial(self._open, member, request), deadline_s, partial(self._settle, member, is_first))

    def _open(self, member: Member[P], request: Callable[[P], AsyncGenerator[T]]) -> AsyncGenerator[T]:
        self._opened += 1
        return request(member.provider)

    def _settle(self, member: Member[P], is_first: bool, fate: Fate, waited_s: float) -> None:
        if fate is Fate.FAILED:
            self.failures += 1
            member.breaker.failed(asyncio.get_running_loop().time())
            return
        if fate is Fate.ANSWERED:
            member.breaker.succeeded()
        # A second request is known by its quick answers only: to learn from those would flatter the provider. A first
        # one that was overtaken took at least as long as it was waited for.
        if is_first:
            member.latency.note(waited_s)
