"""One who watches: what he has not been told yet, up to a bound. Whoever reads too slowly is sent away."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress

MOST_UNTOLD = 2000
"""Events that may wait for one visitor."""
NOTHING_NEW = b":\n\n"
"""A comment, by which a visitor that is gone is noticed."""


class Visitor:
    """Watches all calls in short, or one of them closely."""

    def __init__(self, call_id: str) -> None:
        """``call_id`` is the one; empty: all of them."""
        self.call_id = call_id
        self.is_over = False
        """Whether there is nothing more to be told."""
        self._untold: deque[bytes] = deque()
        self._levels = b""
        self._news = asyncio.Event()

    def tell(self, event: bytes) -> None:
        """Something has happened."""
        if len(self._untold) >= MOST_UNTOLD:
            self.send_away()
        if not self.is_over:
            self._untold.append(event)
            self._news.set()

    def tell_levels(self, event: bytes) -> None:
        """How loud it is now: what was told before is of no interest any more."""
        if not self.is_over:
            self._levels = event
            self._news.set()

    def send_away(self) -> None:
        """Tell him nothing more."""
        self.is_over = True
        self._untold.clear()
        self._levels = b""
        self._news.set()

    async def news(self, within_s: float) -> bytes:
        """All that has happened, as soon as there is any; ``NOTHING_NEW`` after a while, and nothing at the end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._news.wait()
        self._news.clear()
        news = b"".join(self._untold) + self._levels
        self._untold.clear()
        self._levels = b""
        return b"" if self.is_over else news or NOTHING_NEW
