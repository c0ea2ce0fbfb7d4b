"""Ctrl-C hangs up instead of killing the program, so that a call is reported and recorded all the same."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from mediasrv.simulator.caller import Caller


@contextmanager
def interrupt_hangs_up(caller: Caller) -> Iterator[None]:
    """For the time of a call, in the main thread's event loop."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, caller.hang_up)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
