"""The errands of a call: all that waits for others runs in tasks of one group, and the end of the call ends them all.

Whoever begins them knows this, and not the call, so that a call that is over is in no circle of references: it is freed
at once, and does not wait for the garbage collector.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context, copy_context
from typing import Any

from mediasrv.errors import CallEnded

log = logging.getLogger(__name__)


class Errands:
    """One call's, from ``run_until_ended`` to ``end``."""

    __slots__ = ("_call_id", "_ended", "_prepare", "_tasks", "can_begin", "cause")

    def __init__(self, call_id: str, prepare: Callable[[Context], None]) -> None:
        """``prepare`` is given each task's context before the task begins."""
        self._call_id = call_id
        self._prepare = prepare
        self.cause = "cancelled"
        """Why the call is over, once it is."""
        self.can_begin = False
        """Whether any can be begun now: asked of every frame."""
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks: asyncio.TaskGroup | None = None

    @property
    def are_over(self) -> bool:
        """Whether none can be begun any more."""
        return self._ended.done()

    async def run_until_ended(self, begin: Callable[[], None]) -> None:
        """Call ``begin``, and return when the call was ended and every task is over; cancelling ends them at once."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                self.can_begin = not self.are_over
                begin()
                self.cause = await self._ended
                raise CallEnded(self.cause)
        except ExceptionGroup as group:
            failures = group.split(CallEnded)[1]
            # The frame that has raised it holds it: a circle.
            group.__traceback__ = None
            if failures is not None:
                # The last door: this call is lost, the others must not be.
                log.exception("call failed", extra={"call": self._call_id}, exc_info=failures)
                self.cause = "internal error"

    def end(self, cause: str) -> None:
        """End the call; the first cause counts, and nothing is begun any more."""
        self.can_begin = False
        if not self._ended.done():
            self._ended.set_result(cause)

    def spawn(self, work: Coroutine[Any, Any, None], context: Context | None = None) -> asyncio.Task[None] | None:
        """Begin a task; see ``Spawn``."""
        if self._tasks is None or self._ended.done():
            work.close()
            return None
        # What is begun by an event of the carrier's begins in the context of its stream, which knows of no call.
        context = copy_context() if context is None else context
        self._prepare(context)
        task = self._tasks.create_task(work, context=context)
        task.add_done_callback(_forget_cancelling)
        return task

    async def run_operators(self, work: Coroutine[Any, Any, None], limit_s: float | None = None) -> None:
        """Run the operator's code: what it raises is logged and costs nobody else anything."""
        try:
            async with asyncio.timeout(limit_s):
                await work
        except Exception:
            log.exception("agent code failed", extra={"call": self._call_id})

    def run_beside(self, work: Coroutine[Any, Any, None]) -> None:
        """Run the operator's code as a task."""
        self.spawn(self.run_operators(work))


def _forget_cancelling(task: asyncio.Task[None]) -> None:
    """A task keeps the error that it was cancelled with, and with it its frames, until somebody asks for it."""
    if task.cancelled():
        with suppress(asyncio.CancelledError):
            task.exception()
