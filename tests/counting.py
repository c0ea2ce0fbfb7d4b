"""Life without the garbage collector: what is not freed by counting its references stays, and is found."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def only_counting(*rooms: str) -> Iterator[Counter[str]]:
    """No collector within the block; behind it, the classes of these packages whose instances would wait for one."""
    waiting: Counter[str] = Counter()
    gc.collect()
    gc.disable()
    try:
        yield waiting
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        classes = (type(each) for each in gc.garbage)
        waiting.update(each.__qualname__ for each in classes if str(each.__module__).startswith(rooms))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
