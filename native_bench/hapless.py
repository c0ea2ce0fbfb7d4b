"""An agent whose tools all come to grief."""

from __future__ import annotations

import asyncio
from typing import Any

from mediasrv import Agent, tool


class Hapless(Agent):
    """What an operator's code may do, at its worst."""

    @tool
    async def fail(self) -> str:
        """Raise."""
        raise ValueError("no")

    @tool
    async def hang(self) -> str:
        """Never return."""
        await asyncio.sleep(3600)
        return "unheard"

    @tool
    async def flood(self) -> str:
        """Return a megabyte."""
        return "word " * 200_000

    @tool
    async def give_what_is_no_data(self) -> Any:
        """Return what cannot be written down."""
        return {b"bytes": {1, 2}, "self": self, "nothing": float("nan")}

    @tool
    async def lose_a_task(self) -> None:
        """Wait for what is cancelled."""
        task = asyncio.create_task(asyncio.sleep(1))
        task.cancel()
        await task

    @tool
    async def note(self) -> str:
        """Do as told."""
        return "noted"
