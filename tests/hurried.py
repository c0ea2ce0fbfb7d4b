"""An event loop whose clock runs fast: what waits for time and for real sockets takes a part of its time.

For calls that are scripted on both sides. What takes the processor takes as long as ever, and seems slow; so the clock
runs no faster than leaves room for that.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PACE = 2.5
"""Seconds of the loop in a second of the world."""


class _HurriedSelector(selectors.DefaultSelector):
    """Sleeps for as long as the loop means."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout / PACE if timeout else timeout)


class HurriedLoop(asyncio.SelectorEventLoop):
    """An asyncio loop on hurried time."""

    def __init__(self) -> None:
        super().__init__(_HurriedSelector())

    def time(self) -> float:
        return super().time() * PACE


def run_hurriedly(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on hurried time; ``asyncio.get_running_loop().time`` is the clock to give to who wants one."""
    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        return runner.run(work)
