"""A vigil: waiting for one thing after another, for none of them longer than is allowed.

Who waits for each token and each piece of audio waits often and is hardly ever kept waiting. So there is one timer for
all waits of a vigil, which no wait moves: when it strikes, it finds out how long the present wait has lasted, and is
set again where that is not long enough.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

T = TypeVar("T")

Excuse = Callable[[], bool]
"""Whether a wait that has grown too long is not to be held against whoever is waited for."""


def no_excuse() -> bool:
    """Never."""
    return False


class Vigil:
    """Waits with patience, and with more of it as long as there is an excuse; for one thing at a time."""

    def __init__(self, limit_s: float, excuse: Excuse = no_excuse) -> None:
        self.limit_s = limit_s
        """Longest wait for what comes next."""
        self._excuse = excuse
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None  # whose wait it is, while there is one
        self._due_s = 0.0  # when that has lasted long enough
        self._timer: asyncio.TimerHandle | None = None
        self._strikes_s = math.inf
        self._is_over = False
        self._other_cancels = 0

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Return what is awaited, or cancel it and raise ``TimeoutError``.

        An excuse is asked for when the limit is reached, and good for as long again.
        """
        task = self._task = asyncio.current_task(self._loop)
        assert task is not None
        self._due_s = self._loop.time() + self.limit_s
        if self._due_s < self._strikes_s:
            self._set()
        try:
            return await awaited
        except asyncio.CancelledError as cancelled:
            if self._is_over and task.cancelling() - 1 <= self._other_cancels:
                raise TimeoutError from cancelled
            raise
        finally:
            self._task = None
            if self._is_over:
                self._is_over = False
                task.uncancel()
            # Its end would hold this frame, and this frame it: a circle.
            del task

    def put_off(self, due_s: float) -> None:
        """Be patient with the present wait until then, in the loop's time."""
        self._due_s = due_s

    def break_off(self) -> None:
        """Let the present wait, if there is one, have lasted too long."""
        if self._task is not None and not self._is_over:
            self._is_over = True
            self._other_cancels = self._task.cancelling()
            self._task.cancel()

    def end(self) -> None:
        """There is nothing more to wait for; otherwise the timer strikes once more, in vain."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._strikes_s = None, math.inf

    def _set(self) -> None:
        self.end()
        self._timer, self._strikes_s = self._loop.call_at(self._due_s, self._look), self._due_s

    def _look(self) -> None:
        self._timer, self._strikes_s = None, math.inf
        if self._task is None or self._is_over:
            return
        now = self._loop.time()
        if self._due_s <= now and self._excuse():
            self._due_s = now + self.limit_s
        if self._due_s > now:
            self._set()
            return
        self.break_off()
