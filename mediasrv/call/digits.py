"""Keys that the caller presses, gathered for someone who asked for several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Digits:
    """One call's key presses. They are secrets: nobody logs them."""

    def __init__(self, fall_silent: Callable[[], None] = lambda: None) -> None:
        """``fall_silent`` stops what is being said."""
        self._fall_silent = fall_silent
        self._pressed: asyncio.Queue[str] | None = None
        self._prompting: asyncio.Task[Any] | None = None

    def press(self, digit: str) -> bool:
        """Take a key press; returns whether somebody is collecting."""
        if self._pressed is None:
            return False
        self._pressed.put_nowait(digit)
        prompting, self._prompting = self._prompting, None
        if prompting is not None:
            self._fall_silent()
            prompting.cancel()
        return True

    async def collect(
        self,
        max_digits: int,
        timeout_s: float,
        terminator: str,
        *,
        first_timeout_s: float | None = None,
        prompt: Coroutine[Any, Any, object] | None = None,
        interrupts: bool = True,
    ) -> str:
        """Return up to ``max_digits`` keys, less when the terminator or a pause ends them.

        The first key is waited for from the end of the prompt on; keys that come before count, and with ``interrupts``
        end the prompt. Raise what the prompt raises.
        """
        keys = self._pressed = asyncio.Queue()
        digits = ""
        try:
            if prompt is not None:
                await self._say(prompt, interrupts)
            while len(digits) < max_digits:
                async with asyncio.timeout(timeout_s if digits or first_timeout_s is None else first_timeout_s):
                    digit = await keys.get()
                if digit == terminator:
                    break
                digits += digit
        except TimeoutError:
            pass
        finally:
            self._pressed = None
        return digits

    async def _say(self, prompt: Coroutine[Any, Any, object], interrupts: bool) -> None:
        if not interrupts:
            await prompt
            return
        prompting = self._prompting = asyncio.create_task(prompt)
        try:
            await asyncio.wait([prompting])
        finally:
            self._prompting = None
            if not prompting.done():
                prompting.cancel()
                await asyncio.wait([prompting])
        if not prompting.cancelled():
            prompting.result()
