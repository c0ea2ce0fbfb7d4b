"""A tape: an asynchronous source that several readers may read from its beginning, each at its own pace.

One task records for as long as the tape runs. It never runs ahead: an item is asked of the source when a reader has
come to the end of what there is.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Generic, TypeVar

from mediasrv.providers.stopping import stop

T = TypeVar("T")


class Tape(Generic[T]):
    """Records a source while its readers pull it. A reader that is cancelled does not disturb the source.

    A source that raises ends the tape; the error is kept for whoever made the tape, since it is not the readers' own.
    """

    def __init__(self, source: AsyncGenerator[T]) -> None:
        self._source = source
        self.recorded: list[T] = []
        """What the source has given so far."""
        self.error: Exception | None = None
        """What the source raised."""
        self._recording: asyncio.Task[None] | None = None
        self._asked: asyncio.Future[None] | None = None  # while the source is left alone
        self._waiting: list[asyncio.Future[None]] = []
        self._ended = False

    @property
    def is_pulling(self) -> bool:
        """Whether a reader waits for the source at this moment."""
        return bool(self._waiting)

    async def read(self, start: int = 0) -> AsyncGenerator[T]:
        """Yield all items from the one at ``start`` on. Cancelling stops this reader."""
        at = start
        while await self._reaches(at):
            yield self.recorded[at]
            at += 1

    async def begins(self) -> bool:
        """Wait for the first item; ``False`` when the source has none."""
        return await self._reaches(0)

    async def _reaches(self, at: int) -> bool:
        while at >= len(self.recorded):
            if self._ended:
                return False
            await self._news()
        return True

    async def _news(self) -> None:
        """Wait until there is more on the tape, or it has ended."""
        if self._recording is None:
            self._recording = asyncio.create_task(self._record())
        news: asyncio.Future[None] = self._recording.get_loop().create_future()
        self._waiting.append(news)
        _wake(self._asked)
        try:
            await news
        finally:
            if news in self._waiting:
                self._waiting.remove(news)

    async def _record(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            async for item in self._source:
                self.recorded.append(item)
                self._tell()
                while not self.is_pulling:
                    self._asked = loop.create_future()
                    await self._asked
        except Exception as error:
            self.error = error
        finally:
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for news in waiting:
            _wake(news)

    async def aclose(self) -> None:
        """Close the source; readers find nothing more."""
        self._end()
        # What it ends with holds its frames, and they hold us: a circle, if we held it.
        recording, self._recording = self._recording, None
        try:
            if recording is not None:
                await stop(recording)
        finally:
            del recording
            await self._source.aclose()


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
