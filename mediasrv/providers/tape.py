"""A tape: an asynchronous source that several readers may read from its beginning, each at its own pace."""

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
        self._pull: asyncio.Task[None] | None = None
        self._ended = False

    @property
    def is_pulling(self) -> bool:
        """Whether a reader waits for the source at this moment."""
        return self._pull is not None

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
            if self._pull is None:
                self._pull = asyncio.create_task(self._pull_one())
            await asyncio.shield(self._pull)
        return True

    async def _pull_one(self) -> None:
        try:
            self.recorded.append(await anext(self._source))
        except StopAsyncIteration:
            self._ended = True
        except Exception as error:
            self._ended, self.error = True, error
        finally:
            self._pull = None

    async def aclose(self) -> None:
        """Close the source; readers find nothing more."""
        self._ended = True
        try:
            if self._pull is not None:
                await stop(self._pull)
        finally:
            await self._source.aclose()
