"""How tests wait: for as long as a busy machine may take, and not a moment longer than needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# Nothing passes for having waited so long: it is what a test that fails costs.
WAIT_S = 60.0


async def until(condition: Callable[[], object]) -> None:
    """Let the loop turn until a condition holds of something that tells nobody when it changes."""
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)
