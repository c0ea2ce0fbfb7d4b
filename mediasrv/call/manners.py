"""Manners: not to speak while the caller does, where nobody is left who could say that he has finished."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# A caller who learns nothing for longer than this, while he speaks, tells all of it to a line that does not hear him.
PATIENCE_S = 3.0


async def wait_for_silence(last_voice_s: Callable[[], float], silence_s: float) -> None:
    """Return when no voice was heard for ``silence_s``, or after ``PATIENCE_S``; ``last_voice_s`` tells of the last."""
    now = asyncio.get_running_loop().time
    until_s = now() + PATIENCE_S
    while (wait_s := min(last_voice_s() + silence_s, until_s) - now()) > 0:  # noqa: ASYNC110  # this is no poll
        await asyncio.sleep(wait_s)
