"""Stopping a task for good: nobody who stops one leaves it running, or its failure to be found by nobody."""

from __future__ import annotations

import asyncio
from typing import Any


async def stop(task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait for its end; what it failed with was told, or nobody wants to know.

    Who is cancelled once more meanwhile, because the call ends, leaves no task behind either: that is raised then.
    """
    again: asyncio.CancelledError | None = None
    task.cancel()
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as cancelled:
            again = cancelled
    if not task.cancelled():
        task.exception()
    if again is not None:
        raise again
