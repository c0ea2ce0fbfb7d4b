"""What stands around a replayed call in the place of what is really there."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from mediasrv.audio.format import AudioFormat
from mediasrv.call.call import Call
from mediasrv.call.pacer import Feed, Pacer
from mediasrv.replay.world import END, Channel, World


class ReplayedPacer(Pacer):
    """A pacer without ticks of its own."""

    def __init__(self, world: World) -> None:
        super().__init__(world.effort)
        self._world = world
        self._feed: Feed = lambda now: math.inf

    def wake(self, feed: Feed) -> None:
        self._feed = feed
        feed(self._world.now)

    def forget(self, feed: Feed) -> None:
        self._feed = lambda now: math.inf

    def tick(self) -> None:
        """Feed the call."""
        self._feed(self._world.now)


class ReplayedChannel(Channel):
    """A channel from which comes what came."""

    def __init__(self, name: str, words: AsyncIterator[str] | None, call: Call | None) -> None:
        super().__init__(name, words, call)
        self._item: asyncio.Future[Any] | None = None
        self._closed: asyncio.Future[None] | None = None
        self._early: deque[tuple[str, Any]] = deque()
        self._is_over = False

    def next(self) -> asyncio.Future[Any]:
        self._item = self._loop.create_future()
        if self._early:
            self._give(*self._early.popleft())
        return self._item

    def close(self) -> asyncio.Future[None] | None:
        if self._item is None or self._is_over:
            return None
        self._is_over = True
        self._closed = self._loop.create_future()
        return self._closed

    def take(self, kind: str, outcome: Any = END) -> None:
        """Something comes."""
        if kind == "closed":
            self.abandon()
        elif self._item is None or (self._item.done() and not self._item.cancelled()):
            self._early.append((kind, outcome))
        elif self._item.cancelled():
            # Nobody waits for it any more, but whether the stream is over counts.
            self._is_over = self._is_over or kind != "item"
        else:
            self._give(kind, outcome)

    def _give(self, kind: str, outcome: Any) -> None:
        assert self._item is not None
        self._is_over = kind != "item"
        if kind == "failed":
            self._item.set_exception(outcome)
        else:
            self._item.set_result(outcome)

    def want(self, kind: str, *how: Any) -> None:
        """Something is wanted of the call."""
        if kind == "pull" and self._words is not None:
            self.pull(_forget)
        elif kind == "stop pulling":
            self.stop_pulling()
        elif kind == "act" and self._call is not None:
            number, method, arguments, keywords = how
            self.act(number, method, arguments, keywords, _forget)
        elif kind == "stop acting":
            self.stop_acting(*how)

    def abandon(self) -> None:
        """It is closed."""
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)


class ReplayedRecorder:
    """Keeps no recording."""

    def open(self, call_id: str, audio: AudioFormat) -> ReplayedRecorder:
        return self

    def write(self, audio: bytes) -> None:
        """Forget it."""

    def close(self) -> None:
        """It is over."""


def _forget(outcome: Any) -> None:
    """Nobody waits for it."""
