"""An agent that hands every caller over, as the call's body says, and tells what came of it."""

from __future__ import annotations

from typing import Any

from mediasrv import Agent, Call
from mediasrv.call.control import HandoverOutcome

LOG: list[Any] = []


class Receptionist(Agent):
    greeting = "Good day."

    async def on_start(self, call: Call) -> None:
        if call.earlier is not None:
            LOG.append(("came back", call.earlier.outcome, list(call.earlier.words), call.body))
            await call.say("Bye.")
            await call.hangup()
            return
        outcome = await call.transfer(**call.body)
        LOG.append(outcome)
        if outcome is HandoverOutcome.CONNECTED:
            return
        await call.say(f"Sorry, {outcome.value}.")
        await call.hangup()
