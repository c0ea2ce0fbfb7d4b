"""This server as a member of the fleet: its beats, its calls in the registry, and what it learns of the others.

Calls tell it of their beginning and end by plain calls; a task of its own carries that to Redis, in order. While Redis
is away calls go on, nothing is asked that would let a caller wait, and all that is live is told anew when it is back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from typing import TypeVar

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.fleet.node import Node, RegistryError
from mediasrv.fleet.options import FleetOptions
from mediasrv.fleet.registry import BEAT_S, Registry

log = logging.getLogger(__name__)
_T = TypeVar("_T")

AWAY_S = 1.0
"""How long Redis is not asked anything after it did not answer."""
MOST_OVER = 4096
"""Calls that ended while Redis was away; as many as may have a slot kept for them."""


class Member(Observer):
    """One server; as an ``Observer`` it hears which calls are live here."""

    def __init__(self, options: FleetOptions, capacity: int, lost: Callable[[int], None]) -> None:
        """``lost`` is told how many calls died with a node."""
        self.name = options.node
        self.here = Node(options.node, options.internal_url)
        self._registry = Registry(options)
        self._capacity = capacity
        self.accepts: Callable[[], bool] = lambda: True
        """Whether a new call would be let in."""
        self._lost = lost
        self._live: dict[str, int] = {}
        self._news: list[tuple[str, bool]] = []
        self._over: deque[str] = deque(maxlen=MOST_OVER)
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._away_until_s = 0.0
        self._is_known = self._is_leaving = self._has_joined = False

    # -- life ----------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Join; a fleet whose Redis is away is joined when it comes."""
        await self._beat()
        self._task = asyncio.create_task(self._run())

    async def aclose(self) -> None:
        """Leave; safe to call twice."""
        if self._task is not None:
            # Redis's client may swallow a cancellation.
            self._is_leaving = True
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None
            with suppress(RegistryError):
                await self._tell_news()
                await self._registry.leave()
        await self._registry.aclose()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._is_leaving:
            next_s = loop.time() + BEAT_S
            while loop.time() < next_s and not self._is_leaving:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_s):
                        await self._changed.wait()
                self._changed.clear()
                await self._try_news()
            await self._beat()

    async def _beat(self) -> None:
        try:
            known = await self._registry.beat(self._capacity, accepts=self.accepts())
            if not self._has_joined:
                # Who was killed and started again at once was never missed, but his calls are.
                self._tell_lost(self.name, await self._registry.succeed())
                self._has_joined = True
            if not known or not self._is_known:
                # The others knew nothing of us, or we cannot tell what they know.
                self._news.clear()
                await self._registry.claim(self._live, only=True)
            self._is_known = True
            if over := list(self._over):
                await self._registry.cancel(*over)
                for _ in over:
                    self._over.popleft()
            for node in await self._registry.bury():
                log.error("a node is dead", extra={"node": node.name, "lost_calls": len(node.calls)})
                self._tell_lost(node.name, node.calls)
        except RegistryError as error:
            self._be_away(error)
        else:
            self._be_back()

    def _tell_lost(self, node: str, calls: Sequence[str]) -> None:
        """Report calls that died with a process."""
        for call_id in calls:
            log.error("a call is lost", extra={"call": call_id, "node": node})
        if calls:
            self._lost(len(calls))

    async def _try_news(self) -> None:
        try:
            await self._tell_news()
        except RegistryError as error:
            self._be_away(error)

    async def _tell_news(self) -> None:
        while self._is_known and self._news:
            is_live = self._news[0][1]
            count = next((at for at, (_, other) in enumerate(self._news) if other is not is_live), len(self._news))
            calls = [call_id for call_id, _ in self._news[:count]]
            await (self._registry.claim(calls) if is_live else self._registry.release(calls))
            del self._news[:count]

    # -- calls that are live here --------------------------------------------------------------------------------

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        self._live[call_id] = self._live.get(call_id, 0) + 1
        self._note(call_id, is_live=True)

    def ended(self, call_id: str, cause: str) -> None:
        streams = self._live.pop(call_id, 1) - 1
        if streams:
            self._live[call_id] = streams
        else:
            self._note(call_id, is_live=False)

    def _note(self, call_id: str, *, is_live: bool) -> None:
        if self._is_known:
            # Otherwise all that is live is told when Redis is back.
            self._news.append((call_id, is_live))
            self._changed.set()

    # -- questions -----------------------------------------------------------------------------------------------

    async def place(self, call_id: str, tried: Iterable[str] = ()) -> Node | None:
        """Where a call shall go, ``None`` when all are full; raise ``RegistryError`` at once while Redis is away."""
        return await self._ask(lambda: self._registry.reserve(call_id, tried))

    async def owner(self, call_id: str) -> Node | None:
        """Which other node has a call, or had it lately; likewise."""
        if call_id in self._live:
            return None
        node = await self._ask(lambda: self._registry.owner(call_id))
        return None if node is None or node.name == self.name else node

    async def cancel(self, call_id: str) -> None:
        """Say that a call is over, so that no slot is kept for it anywhere; likewise, and then when it is back."""
        try:
            await self._ask(lambda: self._registry.cancel(call_id))
        except RegistryError:
            self._over.append(call_id)
            raise

    async def is_lost(self, call_id: str) -> bool:
        """Whether a call died with its node; likewise."""
        return await self._ask(lambda: self._registry.is_lost(call_id))

    async def others(self) -> list[Node]:
        """The other nodes that are alive; likewise."""
        return [node for node in await self._ask(self._registry.nodes) if node.name != self.name]

    async def _ask(self, question: Callable[[], Awaitable[_T]]) -> _T:
        if asyncio.get_running_loop().time() < self._away_until_s:
            raise RegistryError("redis was away a moment ago")
        try:
            return await question()
        except RegistryError as error:
            self._be_away(error)
            raise

    @property
    def is_alone(self) -> bool:
        """Whether Redis is away, so that nobody is known of."""
        return not self._is_known

    def _be_away(self, error: RegistryError) -> None:
        if self._is_known or not self._away_until_s:
            log.error("the fleet is out of sight: %s", error)
        self._is_known = False
        self._news.clear()
        self._away_until_s = asyncio.get_running_loop().time() + AWAY_S

    def _be_back(self) -> None:
        if self._away_until_s:
            log.info("the fleet is in sight again")
            self._away_until_s = 0.0
