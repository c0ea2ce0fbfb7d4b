"""Who holds up the event loop: the stack of a stall, taken while it lasts.

The loop beats; a thread of its own looks now and then whether the last beat is too long ago, and if so, what the loop's
thread is doing. It looks once a stall, and what it sees is logged once a minute for each place in the code, so that a
stall that comes back a hundred times a second does not fill the disk. Names of files and functions are logged, no
values.
"""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType

log = logging.getLogger(__name__)

DEPTH = 12
"""Innermost functions that are named."""
QUIET_S = 60.0
"""Time between two lines about one place."""
_MAX_PLACES = 256
_LOOKING = threading.Lock()
# Where the innermost function of a loop lies that has nothing to do; uvloop's is in C, below asyncio's.
_WAITING = frozenset({"asyncio", "selectors", "uvloop"})


class StallWatch:
    """Watches the thread that makes it."""

    def __init__(self, limit_s: float, stalled: Callable[[float], None], clock: Callable[[], float] = time.monotonic):
        """``stalled`` is called on the loop, with the length of a stall that was noticed; ``clock`` gives seconds."""
        self._limit_s = limit_s
        self._stalled = stalled
        self._clock = clock
        self._loop_thread = threading.get_ident()
        self._beat_s = clock()
        self._caught_s = 0.0
        self._quiet_until_s: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stall watch", daemon=True)

    def start(self) -> None:
        """Begin to look; ``beat`` from now on, several times within the limit."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Look no more; safe to call twice."""
        self._over.set()

    def beat(self) -> None:
        """The loop is alive; tells of the stall that is over with it."""
        now = self._clock()
        if self._caught_s:
            self._stalled(now - self._beat_s)
            self._caught_s = 0.0
        self._beat_s = now

    def look(self) -> str:
        """Look once; return what was logged, empty if nothing was."""
        began_s, now = self._beat_s, self._clock()
        if now - began_s < self._limit_s or self._caught_s == began_s:
            return ""
        self._caught_s = began_s
        frame = _frame_of(self._loop_thread)
        stack = stack_of(frame)
        if frame is None or _is_idle(frame) or not self._is_news(stack, now):
            return ""
        log.warning("event loop stalls: %s", stack, extra={"after_ms": round((now - began_s) * 1000)})
        return stack

    def _is_news(self, stack: str, now: float) -> bool:
        if now < self._quiet_until_s.get(stack, 0.0):
            return False
        if len(self._quiet_until_s) >= _MAX_PLACES:
            self._quiet_until_s.clear()
        self._quiet_until_s[stack] = now + QUIET_S
        return True

    def _watch(self) -> None:
        while not self._over.wait(self._limit_s / 2):
            self.look()


def _frame_of(thread: int) -> FrameType | None:
    """What a thread is doing; ``None`` of one that is gone.

    The interpreter holds a lock of its threads' meanwhile, and some versions collect garbage there: a finalizer that
    lets another thread run, and that thread one that begins or ends, would stop the process for good (CPython issue
    106883).
    """
    with _LOOKING:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames().get(thread)
        finally:
            if was_enabled:
                gc.enable()


def _is_idle(frame: FrameType) -> bool:
    """Whether the loop waits for events: then it is the machine that is late, not we."""
    return frame.f_globals.get("__name__", "").partition(".")[0] in _WAITING


def stack_of(frame: FrameType | None) -> str:
    """The innermost functions of a stack, the innermost first: ``function (module:line) < …``."""
    places: list[str] = []
    while frame is not None and len(places) < DEPTH:
        code = frame.f_code
        places.append(f"{code.co_qualname} ({frame.f_globals.get('__name__', '?')}:{frame.f_lineno})")
        frame = frame.f_back
    return " < ".join(places)
