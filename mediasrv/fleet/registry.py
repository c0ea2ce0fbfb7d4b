"""The registry that the servers of a fleet share: who is there, who has which call, where there is room.

It lives in Redis; every question is one script there, and has a short time to be answered in. While Redis is away each
server goes on by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mediasrv.errors import ConfigError
from mediasrv.fleet import scripts
from mediasrv.fleet.node import Buried, Node, RegistryError
from mediasrv.fleet.options import FleetOptions

PREFIX = "mediasrv"
BEAT_S = 0.5
DEAD_MS = 3500
"""Silence of a node after which it is dead: more than a loop stalls, and so little that the next beat of another, and
Redis's answer to it, come within 5 s: then it is buried and its calls are told."""
RESERVED_MS = 60_000
"""How long a node waits for a call that was sent there; see ``RESERVATION_S`` of admission."""


class Registry:
    """One node's view. All but ``aclose`` raise ``RegistryError``; cancelling leaves open what Redis has done."""

    def __init__(self, options: FleetOptions, prefix: str = PREFIX) -> None:
        """Raise ``ConfigError`` for a URL that is none; nothing is connected yet."""
        self._node, self._url, self._prefix = options.node, options.internal_url, prefix
        self._within_s = options.redis_within_ms / 1000
        try:
            self._redis: Redis = Redis.from_url(
                options.redis_url,
                password=options.redis_password or None,
                decode_responses=True,
                socket_timeout=self._within_s,
                socket_connect_timeout=self._within_s,
                retry=Retry(NoBackoff(), 1),
            )
        except ValueError as error:
            raise ConfigError(f"fleet.redis_url: {error}") from None

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._redis.aclose()

    async def beat(self, capacity: int, *, accepts: bool) -> bool:
        """Say that this node is alive; ``False`` when the others have taken it for dead, and its calls for lost."""
        return bool(await self._run(scripts.BEAT, self._node, self._url, capacity, int(accepts)))

    async def reserve(self, call_id: str, tried: Iterable[str] = ()) -> Node | None:
        """The node that has, or shall have, a call; ``None`` when all are full. ``tried`` did not take it."""
        row = await self._run(scripts.RESERVE, self._node, call_id, DEAD_MS, RESERVED_MS, *tried)
        if row == [""]:
            raise RegistryError("redis has forgotten us")
        return _node(row)

    async def owner(self, call_id: str) -> Node | None:
        """The node that has a call, or had it lately, if it is alive."""
        return _node(await self._run(scripts.OWNER, call_id, DEAD_MS))

    async def is_lost(self, call_id: str) -> bool:
        """Whether a call died with its node, lately."""
        return bool(await self._run(scripts.LOST, call_id, DEAD_MS))

    async def nodes(self) -> list[Node]:
        """All that are alive."""
        return [Node(*row) for row in await self._run(scripts.NODES, DEAD_MS)]

    async def succeed(self) -> tuple[str, ...]:
        """Say that this node's process is a new one; return the calls that were lost with the one before."""
        return tuple(await self._run(scripts.SUCCEED, self._node))

    async def claim(self, call_ids: Iterable[str], *, only: bool = False) -> None:
        """Say that calls are live here, too or only these."""
        await self._run(scripts.CLAIM, self._node, "only" if only else "too", *call_ids)

    async def release(self, call_ids: Iterable[str]) -> None:
        """Say that calls are over, or never came."""
        await self._run(scripts.RELEASE, self._node, *call_ids)

    async def cancel(self, *call_ids: str) -> None:
        """Say that calls are over, wherever they are waited for."""
        await self._run(scripts.CANCEL, *call_ids)

    async def bury(self) -> list[Buried]:
        """Forget the nodes that are dead; one that is buried by somebody else is not told again."""
        return [Buried(name, tuple(calls)) for name, calls in await self._run(scripts.BURY, DEAD_MS)]

    async def leave(self) -> None:
        """Say that this node goes."""
        await self._run(scripts.LEAVE, self._node)

    async def _run(self, script: str, *arguments: str | int) -> Any:
        try:
            async with asyncio.timeout(self._within_s):
                return await self._redis.eval(script, 1, self._prefix, *map(str, arguments))
        except (RedisError, OSError, TimeoutError) as error:
            raise RegistryError(f"redis does not answer: {type(error).__name__}") from None


def _node(row: list[str]) -> Node | None:
    return Node(*row) if row else None
