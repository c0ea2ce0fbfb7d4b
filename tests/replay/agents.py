"""Agents with code of their own, which is outside of a call that is captured."""

from __future__ import annotations

import asyncio

import numpy as np

from mediasrv.call.agent import Agent
from mediasrv.call.call import Call
from mediasrv.call.tools import tool


class Desk(Agent):
    """Looks things up and talks meanwhile."""

    async def on_start(self, call: Call) -> None:
        await asyncio.sleep(0.2)
        await call.say("A word from the desk.")

    async def on_dtmf(self, call: Call, digit: str) -> None:
        if digit == "1":
            await call.say(await call.collect_digits(2, prompt="And the number?", timeout_s=1.0) or "Nothing.")

    async def on_end(self, call: Call) -> None:
        await asyncio.sleep(0.1)

    @tool
    async def look(self, order: str, again: int = 0) -> str:
        """Look where an order is."""
        await asyncio.sleep(0.3)
        return f"order {order} is there"

    @tool
    async def tell(self, call: Call) -> str:
        """Tell the caller something."""
        heard = await call.say("While I am looking, hear this.")
        await call.play(np.full(1600, 1000, np.int16), 8000)
        return f"heard: {heard.text}"

    @tool
    async def fail(self) -> str:
        """Fail."""
        raise RuntimeError("nothing works")


async def menu(call: Call) -> None:
    """Conduct a call by keys."""
    keys = await call.collect_digits(2, prompt="Press two keys.")
    try:
        async with asyncio.timeout(0.5):
            await call.say(f"You pressed {' '.join(keys)}, which is a long thing to say.")
    except TimeoutError:
        await call.say("Enough.")
    await call.send_digits("9")
    await call.hangup()


async def echo(call: Call) -> None:
    """Give back what was said."""
    async for frame in call.audio():
        call.write(frame)
