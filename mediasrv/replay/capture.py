"""A capture in the making: the world around a call, as it writes down what comes in and what goes out.

A plain function of the loop's: what is written goes to a sink in lists, each of them a line of the file.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from contextlib import aclosing
from contextvars import Context
from functools import partial
from typing import Any, cast

from mediasrv.call.call import Call
from mediasrv.call.effort import Effort, Work
from mediasrv.replay.loops import Capturing
from mediasrv.replay.world import END, Begin, Channel, World, context_for

Sink = Callable[[list[Any]], None]


class Capture(World):
    """Of one call."""

    def __init__(self, sink: Sink, effort: Effort) -> None:
        """``effort`` is the server's."""
        super().__init__()
        self._loop = cast(Capturing, asyncio.get_running_loop())
        self._sink = sink
        self._server_effort = effort
        self._left_out: Collection[Work] = ()
        self._pending = 0
        self._steps = 0
        self._is_inside = False
        self._outside = context_for(None)
        self.now = self._loop.clock()

    def outside(self) -> Context:
        """A context outside the call."""
        return self._outside.copy()

    def tell(self, work: Callable[..., Any], *arguments: Any) -> None:
        context_for(None).run(work, *arguments)

    # -- steps of the call ---------------------------------------------------------------------------------------

    def planned(self) -> None:
        """The loop will take a step of the call."""
        self._pending += 1

    def step(self, callback: Callable[..., object], *arguments: Any) -> None:
        """Take it."""
        self._pending -= 1
        self._steps += 1
        self._is_inside = True
        try:
            callback(*arguments)
        finally:
            self._is_inside = False

    def fire(self, due: float, within: Context, callback: Callable[..., object], *arguments: Any) -> None:
        """A timer that the call has set goes off."""
        self.enter(partial(within.run, callback, *arguments), "timer", due)

    # -- what is written down ------------------------------------------------------------------------------------

    def enter(self, act: Callable[[], object], kind: str, *what: Any) -> None:
        """Something comes in, and does ``act``; what comes in while the call takes a step waits for its end."""
        if self._is_inside:
            self._loop.call_soon(self.enter, act, kind, *what, context=self.outside())
            return
        self.now = self._loop.clock()
        if self._server_effort.left_out != self._left_out:
            self._left_out = self._server_effort.left_out
            self.effort.leave_out(self._left_out)
            self.note("left out", [work.value for work in self._left_out])
        # Behind how many steps, where some were still to be taken.
        self._sink([kind, self.now, self._steps if self._pending else None, *what])
        self._steps = 0
        self._is_inside = True
        try:
            act()
        finally:
            self._is_inside = False

    def note(self, kind: str, *what: Any) -> None:
        """Something goes out, or is known."""
        self._sink([kind, *what])

    def open(
        self, kind: str, begin: Begin, words: AsyncIterator[str] | None = None, call: Call | None = None
    ) -> Channel:
        return _Captured(self, self.name(kind), begin, words, call)


class _Captured(Channel):
    """A channel to what is really there; ``_run`` and what it calls are outside."""

    def __init__(
        self, capture: Capture, name: str, begin: Begin, words: AsyncIterator[str] | None, call: Call | None
    ) -> None:
        super().__init__(name, words, call)
        self._capture = capture
        self._begin = begin
        self._outside = context_for(None)
        self._wanted = asyncio.Event()
        self._item: asyncio.Future[Any] | None = None
        self._task: asyncio.Task[None] | None = None
        self._is_over = self._is_closing = False
        self._acted = 0

    def next(self) -> asyncio.Future[Any]:
        self._item = self._loop.create_future()
        if self._task is None:
            self._task = self._loop.create_task(self._run(), context=self._outside.copy())
        else:
            self._wanted.set()
        return self._item

    def close(self) -> asyncio.Future[None] | None:
        if self._task is None or self._is_over:
            return None
        self._is_over = self._is_closing = True
        closed = self._loop.create_future()
        self._task.cancel()
        self._task.add_done_callback(lambda _: self._closed(closed), context=self._outside.copy())
        return closed

    def _closed(self, closed: asyncio.Future[None]) -> None:
        self._capture.enter(partial(_settle, closed, None), "closed", self.name)

    async def _run(self) -> None:
        try:
            async with aclosing(self._begin(self)) as items:
                async for item in items:
                    self._deliver("item", item)
                    await self._wanted.wait()
                    self._wanted.clear()
        except asyncio.CancelledError as cancelled:
            if self._is_closing:
                raise
            self._deliver("failed", cancelled)
        except Exception as error:  # Told to whoever reads the stream.
            self._deliver("failed", error)
        else:
            self._deliver("end")

    def _deliver(self, kind: str, *what: Any) -> None:
        if self._is_closing:
            return
        self._capture.enter(partial(self._take, kind, *what), kind, self.name, *what)

    def _take(self, kind: str, what: Any = END) -> None:
        self._is_over = kind != "item"
        if self._item is None or self._item.done():
            return
        if kind == "failed":
            self._item.set_exception(what)
        else:
            self._item.set_result(what)

    # -- what is wanted of the call ------------------------------------------------------------------------------

    async def words(self) -> AsyncGenerator[str]:
        """What the call says, word by word as it is asked for; for who is outside."""
        while True:
            made = self._loop.create_future()
            self._capture.enter(partial(self.pull, partial(_settle, made)), "pull", self.name)
            try:
                word = await made
            except asyncio.CancelledError:
                self._capture.enter(self.stop_pulling, "stop pulling", self.name)
                raise
            if word is END:
                return
            yield word

    def acted_at_once(self, method: str, *arguments: Any) -> None:
        """Act upon the call, from outside, where nothing comes of it."""
        act = partial(self.act, 0, method, arguments, {}, lambda outcome: None)
        self._capture.enter(act, "act", self.name, 0, method, list(arguments), {})

    async def acted(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Act upon the call, from outside, and return what comes of it."""
        self._acted += 1
        number, done = self._acted, self._loop.create_future()
        act = partial(self.act, number, method, arguments, keywords, partial(_settle, done))
        self._capture.enter(act, "act", self.name, number, method, list(arguments), keywords)
        try:
            return await done
        except asyncio.CancelledError:
            self._capture.enter(partial(self.stop_acting, number), "stop acting", self.name, number)
            raise


def _settle(future: asyncio.Future[Any], outcome: Any) -> None:
    """Let somebody outside have what the call made."""
    if future.done():
        return
    if isinstance(outcome, asyncio.CancelledError):
        future.cancel()
    elif isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
