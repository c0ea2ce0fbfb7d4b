"""The opening of a call that we made: who has picked up, and what he is told in set words in the place of a reply.

A callee may be let say hello first; his hello is answered by the greeting. A program that screens calls is told who
calls, and a human behind it is greeted anew. All of it is decided while the bot speaks as to a human.
"""

from __future__ import annotations

import asyncio

from mediasrv.call.link import OUTBOUND, CallDetails
from mediasrv.call.role import Role
from mediasrv.turn.callee import Callee, Kind
from mediasrv.turn.events import Action, GiveUp, PromptCaller
from mediasrv.turn.machine import TurnMachine
from mediasrv.turn.words import words_of

# Longest wait for a screening program to put us through: a phone rings no longer.
SCREENING_LIMIT_S = 60.0


class Opening:
    """One call's; of a call that came to us, nothing is expected."""

    def __init__(self, role: Role, details: CallDetails, machine: TurnMachine) -> None:
        self._role = role
        self._machine = machine
        self._now = asyncio.get_running_loop().time
        self._callee = Callee(role.language)
        self._screened_s = 0.0
        # Who comes back has said hello before.
        is_outbound = details.direction == OUTBOUND and details.earlier is None
        self.listens = is_outbound and role.options.callee.detect
        """Whether it matters who has picked up."""
        if is_outbound:
            self._await_hello(role.options.greeting_after_hello_ms)

    def _await_hello(self, limit_ms: int) -> None:
        if limit_ms and self._role.greeting:
            self._machine.await_hello(limit_ms, self._now())

    @property
    def kind(self) -> Kind:
        """Who has picked up, as far as is known."""
        return self._callee.kind

    def hear(self, voiced: bool) -> bool:
        """Take a frame's verdict, if it ``listens``; returns whether ``kind`` has changed."""
        return self._callee.hear(voiced)

    def read(self, text: str, *, is_final: bool) -> bool:
        """Take a transcript; returns whether ``kind`` has changed."""
        was = self.kind
        if not self.listens or not self._callee.read(text, is_final=is_final):
            return False
        self._take(was)
        return True

    def settle(self, kind: Kind) -> bool:
        """Somebody else knows who has picked up; returns whether that is news."""
        was = self.kind
        if not self._callee.settle(kind):
            return False
        self._take(was)
        return True

    def _take(self, was: Kind) -> None:
        if self.kind is Kind.SCREENING:
            self._screened_s = self._now()
        elif was is Kind.SCREENING:
            # Behind the program comes somebody who has not heard the greeting.
            self._await_hello(self._role.options.turn.idle_ms)

    def answer(self, text: str) -> str | None:
        """What is said to this, maybe nothing (empty); None for a reply of the model's."""
        if self.kind is Kind.SCREENING:
            is_asked = self._callee.asks_who_calls(text) or not words_of(text)
            return self._role.screening_answer if is_asked else ""
        return self._role.greeting if self._machine.idle.awaits_hello else None

    def excuses(self, action: Action) -> bool:
        """Whether an action is out of place: who is being put through to somebody does not ask who is there."""
        is_waiting = self.kind is Kind.SCREENING and self._now() < self._screened_s + SCREENING_LIMIT_S
        return is_waiting and isinstance(action, PromptCaller | GiveUp)
