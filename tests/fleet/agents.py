"""Who answers in servers that are processes of their own."""

from __future__ import annotations

from mediasrv import Agent, Call


class Answerer(Agent):
    """Says something whenever a key is pressed; ``#`` makes it hang up."""

    greeting = "Hi."

    async def on_dtmf(self, call: Call, digit: str) -> None:
        if digit == "#":
            await call.hangup()
        else:
            await call.say("You have pressed a key.")
