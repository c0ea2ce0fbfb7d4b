"""The moment at which an answering machine begins to record: behind its beep, or when it has fallen silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from mediasrv.call.ear import Listener
from mediasrv.turn.beep import Beep

SILENCE_S = 2.5
"""A pause in a mailbox's words is shorter."""
GREETING_LIMIT_S = 60.0
"""Longest wait, for there may be music."""


async def recording(ear: Listener, last_voice_s: Callable[[], float]) -> None:
    """Return when a machine that is heard by this ear records; ``last_voice_s`` is when it spoke last."""
    now = asyncio.get_running_loop().time
    beeped, beep = asyncio.Event(), Beep(ear.detector_hz)

    def listen(frame: NDArray[np.int16]) -> None:
        if beep.hear(frame):
            beeped.set()

    ear.monitor = listen
    until_s = now() + GREETING_LIMIT_S
    try:
        while not beeped.is_set() and now() < (due_s := min(last_voice_s() + SILENCE_S, until_s)):
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due_s):
                    await beeped.wait()
    finally:
        ear.monitor = None
