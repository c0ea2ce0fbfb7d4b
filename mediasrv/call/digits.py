"""Keys that the caller presses, gathered for someone who asked for several."""

from __future__ import annotations

import asyncio


class Digits:
    """One call's key presses."""

    def __init__(self) -> None:
        self._pressed: asyncio.Queue[str] | None = None

    def press(self, digit: str) -> bool:
        """Take a key press; returns whether somebody is collecting."""
        if self._pressed is None:
            return False
        self._pressed.put_nowait(digit)
        return True

    async def collect(self, max_digits: int, timeout_s: float, terminator: str) -> str:
        """Return up to ``max_digits`` keys, less when the terminator or a pause ends them."""
        self._pressed = asyncio.Queue()
        digits = ""
        try:
            while len(digits) < max_digits:
                async with asyncio.timeout(timeout_s):
                    digit = await self._pressed.get()
                if digit == terminator:
                    break
                digits += digit
        except TimeoutError:
            pass
        finally:
            self._pressed = None
        return digits
