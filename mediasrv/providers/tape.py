"""A tape: an asynchronous source that several readers may read from its beginning, each at its own pace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

T = TypeVar("T")


class Tape(Generic[T]):
    """Records a source while its readers pull it. A reader that is cancelled does not disturb the source."""

    def __init__(self, source: AsyncGenerator[T]) -> None:
        self._source = source
        self._recorded: list[T] = []
        self._pull: asyncio.Task[None] | None = None
        self._ended = False

    async def read(self, start: int = 0) -> AsyncGenerator[T]:
        """Yield all items from the one at ``start`` on; raise what the source raises. Cancelling stops this reader."""
        at = start
        while True:
            while at >= len(self._recorded):
                if self._ended:
                    return
                if self._pull is None:
                    self._pull = asyncio.create_task(self._pull_one())
                await asyncio.shield(self._pull)
            yield self._recorded[at]
            at += 1

    async def _pull_one(self) -> None:
        try:
            self._recorded.append(await anext(self._source))
        except StopAsyncIteration:
            self._ended = True
        finally:
            self._pull = None

    async def aclose(self) -> None:
        """Close the source; readers find nothing more."""
        self._ended = True
        if self._pull is not None:
            self._pull.cancel()
            await asyncio.wait([self._pull])
        await self._source.aclose()
