"""The broom: when the garbage collector looks through everything.

What we make is freed by counting, a whole call included. What refers to itself in a circle is left to the collector: it
may come from an operator's code, a library, or an error on its way. The collector holds up the loop for as long as it
looks, up to 48 ms with 200 calls, and by itself it would look every few seconds. So what is there at the start is set
aside for good; of the rest only what is new is looked through as a matter of course, and all of it when nobody is on
the line, or else when much more memory is in use than after the last time, or that is long ago.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
from collections.abc import Callable
from types import TracebackType

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
"""How often it is asked whether it is time."""
AT_LATEST_S = 600.0
"""Longest time between two sweeps."""
GROWTH = 1.5
"""As much more memory is in use than after the last sweep when the next is due, calls or no calls."""
# Of new objects; the oldest of three generations is ours alone to sweep, and the middle one with it.
_YOUNG, _NEVER = 5_000, 1_000_000_000


class Broom:
    """Sweeps within its block; one a process, on the loop."""

    def __init__(self, is_quiet: Callable[[], bool], blocks: Callable[[], int] = sys.getallocatedblocks) -> None:
        """``is_quiet`` tells whether nobody is on the line; ``blocks`` how much memory is in use."""
        self._is_quiet = is_quiet
        self._blocks = blocks
        self._loop = asyncio.get_running_loop()
        self._had_calls = False
        self.sweeps = 0
        """How often everything was looked through."""

    def __enter__(self) -> Broom:
        self._thresholds = gc.get_threshold()
        gc.freeze()
        gc.set_threshold(_YOUNG, _NEVER, _NEVER)
        self._note()
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._timer.cancel()
        gc.set_threshold(*self._thresholds)
        gc.unfreeze()

    def _note(self) -> None:
        self._swept_s, self._kept_blocks = self._loop.time(), self._blocks()

    def _look(self) -> None:
        self._timer = self._loop.call_later(LOOK_EVERY_S, self._look)
        is_quiet = self._is_quiet()
        is_due = self._loop.time() - self._swept_s >= AT_LATEST_S or self._blocks() > GROWTH * self._kept_blocks
        if is_due or (is_quiet and self._had_calls):
            self._sweep()
        self._had_calls = not is_quiet

    def _sweep(self) -> None:
        began_s = self._loop.time()
        found = gc.collect()
        self._note()
        self.sweeps += 1
        log.debug("swept", extra={"found": found, "took_ms": round((self._swept_s - began_s) * 1000)})
