"""Manners: what is said in set words, and not into what the caller says where nobody hears any more when he ends."""

from __future__ import annotations

import asyncio
import logging

from mediasrv.call.call import Call, CallParts
from mediasrv.call.mailbox import recording
from mediasrv.call.mouth import NOTHING
from mediasrv.call.options import LEAVE_MESSAGE
from mediasrv.call.role import Role
from mediasrv.errors import ProviderError
from mediasrv.turn.utterance import Heard

log = logging.getLogger(__name__)

# A caller who learns nothing for longer than this, while he speaks, tells all of it to a line that does not hear him.
PATIENCE_S = 3.0


class Manners:
    """A conversation's set phrases."""

    def __init__(self, role: Role, call: Call, parts: CallParts) -> None:
        self._role = role
        self._call = call
        self._parts = parts
        self._last_voice_s = 0.0

    async def _deal_with_machine(self) -> None:
        """Leave a message, if one is to be left, and end the call."""
        options = self._role.options.callee
        if options.machine == LEAVE_MESSAGE:
            await recording(self._parts.ear.listener, lambda: self._last_voice_s)
            await self._say(options.message, interruptible=False)
            await self._parts.mouth.wait_until_quiet()
        self._parts.end("answering machine")

    async def _ask(self, question: str) -> None:
        await self._say(question)

    async def _ask_who_is_there(self, step: int) -> None:
        """Ask for the first, second, … time in a row."""
        prompts = self._role.options.idle_prompt
        await self._ask(prompts[min(step, len(prompts)) - 1])

    async def _break_off(self, cause: str) -> None:
        """Say that it is our fault, and goodbye; not into what the caller says, unless he goes on and on."""
        await self._wait_for_silence(self._role.options.turn.endpoint_ms / 1000)
        await self._say(self._role.options.apology, interruptible=False)
        await self.say_goodbye(cause)

    async def _wait_for_silence(self, silence_s: float) -> None:
        """Return when no voice was heard for so long, or after ``PATIENCE_S``."""
        now = asyncio.get_running_loop().time
        until_s = now() + PATIENCE_S
        while (wait_s := min(self._last_voice_s + silence_s, until_s) - now()) > 0:  # noqa: ASYNC110  # this is no poll
            await asyncio.sleep(wait_s)

    async def say_goodbye(self, cause: str, words: str = "") -> None:
        """Say goodbye, in these words or the usual ones, let it be heard, and end the call."""
        await self._say(words or self._role.options.goodbye, interruptible=False)
        await self._parts.mouth.wait_until_quiet()
        self._parts.end(cause)

    async def _say(self, text: str, *, interruptible: bool = True) -> Heard:
        """Say a set phrase; when even that fails, the caller hears nothing and the call goes on."""
        try:
            return await self._call.say(text, interruptible=interruptible)
        except (ProviderError, TimeoutError) as error:
            log.error("voice failed", extra={"call": self._call.id, "error": str(error) or "timed out"})
            return NOTHING
