"""A vigil: waiting for one thing after another, for none of them longer than is allowed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

Excuse = Callable[[], bool]
"""Whether a wait that has grown too long is not to be held against whoever is waited for."""


def no_excuse() -> bool:
    """Never."""
    return False


class Vigil:
    """Waits with patience, and with more of it as long as there is an excuse."""

    def __init__(self, limit_s: float, excuse: Excuse = no_excuse) -> None:
        self.limit_s = limit_s
        """Longest wait for what comes next."""
        self._excuse = excuse

    async def wait(self, awaited: Awaitable[T]) -> T:
        """Return what is awaited, or cancel it and raise ``TimeoutError``.

        An excuse is asked for when the limit is reached, and good for as long again.
        """
        async with asyncio.timeout(None) as timeout:
            self._look_later(timeout)
            try:
                return await awaited
            finally:
                self._timer.cancel()
                # It knows this task, whose end would hold this frame: a circle.
                del timeout

    def _look_later(self, timeout: asyncio.Timeout) -> None:
        self._timer = asyncio.get_running_loop().call_later(self.limit_s, self._look, timeout)

    def _look(self, timeout: asyncio.Timeout) -> None:
        if self._excuse():
            self._look_later(timeout)
        else:
            timeout.reschedule(asyncio.get_running_loop().time())
