"""A reader: a source that is read by a task of its own, so that who waits for an item may do something else meanwhile.

A task for each item would cost more than most items do. This one lasts as long as the source, and never runs ahead: an
item is asked for when the one before was taken, for sources that note what has become of that.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from mediasrv.providers.stopping import stop

T = TypeVar("T")


class Reader(Generic[T]):
    """Reads a source, which stays its maker's to close."""

    def __init__(self, source: AsyncGenerator[T]) -> None:
        self._source = source
        self._items: deque[T] = deque()  # one at most
        self._taken = asyncio.Event()
        self._news: asyncio.Future[None] | None = None
        self._reading = asyncio.create_task(self._read())
        self._reading.add_done_callback(lambda _: self._tell())

    @property
    def is_ready(self) -> bool:
        """Whether ``take`` has something to tell."""
        return bool(self._items) or self._reading.done()

    async def wait(self, limit_s: float) -> None:
        """Return when it is ready, or when that has taken too long."""
        if self.is_ready:
            return
        loop = self._reading.get_loop()
        self._news = loop.create_future()
        timer = loop.call_later(limit_s, self._tell)
        try:
            await self._news
        finally:
            timer.cancel()

    def take(self) -> T | None:
        """The next item, when it is ready; ``None`` at the end. Raise what the source did, behind its last item."""
        if not self._items:
            return self._reading.result()
        self._taken.set()
        return self._items.popleft()

    async def aclose(self) -> None:
        """Stop reading, once and last; what the source raised and nobody has taken is told to nobody."""
        try:
            await stop(self._reading)
        finally:
            # What it ended with would hold us by its frames, and we it: a circle.
            del self._reading

    async def _read(self) -> None:
        async for item in self._source:
            self._items.append(item)
            self._taken.clear()
            self._tell()
            await self._taken.wait()

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)
