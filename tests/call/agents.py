"""Agents of an operator's, as they are written in a module of their own."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np

from mediasrv import Agent, Call, tool
from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Llm, Recognition, Stt, Tts
from native_bench import hapless

LOG: list[Any] = []


class Courier(Agent):
    instructions = "You help callers of a courier company."
    greeting = "Swift Couriers."

    @tool
    async def order_status(self, call: Call, order_id: str) -> str:
        """Look up where an order is."""
        LOG.append(("tool", order_id, call.from_number, call.body))
        return "in Pune"

    @tool
    async def finish(self, call: Call) -> str:
        """End the call."""
        await call.say("Thank you and goodbye.")
        await call.hangup()
        return "done"

    async def on_start(self, call: Call) -> None:
        LOG.append(("start", call.id, call.carrier, call.to_number))

    async def on_dtmf(self, call: Call, digit: str) -> None:
        LOG.append(("dtmf", digit))

    async def on_end(self, call: Call) -> None:
        LOG.append(("end", len(call.transcript)))


class Careless(Agent):
    async def on_start(self, call: Call) -> None:
        raise ValueError("on_start is broken")

    async def on_end(self, call: Call) -> None:
        await asyncio.sleep(3600)


class Menu(Agent):
    greeting = ""

    async def on_start(self, call: Call) -> None:
        await call.say("Enter your code.")
        LOG.append(await call.collect_digits(4))
        await call.send_digits("12#")
        await call.hangup()


class Till(Agent):
    greeting = ""

    async def on_start(self, call: Call) -> None:
        card = call.collect_digits(16, prompt="Enter the number of your card.", first_timeout_s=8, private=True)
        LOG.append((await card, call.is_private))

    async def on_dtmf(self, call: Call, digit: str) -> None:
        LOG.append("not collected")


class Dialler(Agent):
    async def on_callee(self, call: Call, kind: str) -> None:
        LOG.append(kind)


class Slow(Agent):
    greeting = ""

    @tool
    async def look_up(self, call: Call) -> str:
        """Look something up, which takes a while."""
        await call.say("One moment.")
        await asyncio.sleep(4)
        return "found"


class Sluggish(Agent):
    greeting = ""

    @tool
    async def look_up(self, call: Call) -> str:
        """Look something up, which takes a while."""
        await asyncio.sleep(4)
        return "found"


class Hapless(hapless.Hapless):
    """The same, as a caller's tests want it: it waits for him, and tells what was noted."""

    greeting = ""

    @tool
    async def note(self) -> str:
        """Do as told."""
        LOG.append("noted")
        return "noted"


class Thrifty(Agent):
    greeting = ""

    async def on_end(self, call: Call) -> None:
        LOG.append(call.usage)


async def echo(call: Call) -> None:
    """Say back what is heard for two seconds."""
    frames = 0
    async for frame in call.audio():
        call.write(frame)
        frames += 1
        if frames == 100:
            return


async def jingle(call: Call) -> None:
    """Play half a second of a tone at another rate."""
    wave = np.sin(2 * np.pi * 440 / 24000 * np.arange(12000)) * 9000
    LOG.append(await call.play(wave.astype(np.int16), 24000))


async def broken(call: Call) -> None:
    raise RuntimeError("nobody wrote this")


def not_a_coroutine(call: Call) -> None: ...


class FailingLlm(Llm):
    name = "failing"

    async def reply(self, messages: Any, tools: Any = ()) -> Any:
        raise ProviderError("HTTP 500", stage="llm", provider="failing", retryable=True)
        yield


class HangingTts(Tts):
    name = "hanging"

    def format_for(self, wanted: Any) -> Any:
        return wanted

    async def speak(self, phrases: Any, wanted: Any) -> Any:
        await asyncio.sleep(3600)
        yield


class DeafStt(Stt):
    name = "deaf"
    formats = (MULAW_8K,)

    def listen(self, audio: Any) -> Recognition:
        return _Deaf()


class _Deaf(Recognition):
    def send(self, payload: bytes) -> None: ...

    def finalize(self, request: int) -> None: ...

    def commit(self) -> None: ...

    async def transcripts(self) -> Any:
        await asyncio.sleep(0.1)
        raise ProviderError("closed 1011", stage="stt", provider="deaf", retryable=True)
        yield
