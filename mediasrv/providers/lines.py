"""Sockets opened ahead of the calls that will need them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mediasrv.net.websocket import WebSocket

# Telephones ring for this long before the call begins, and vendors drop sessions without audio after 10 s.
_KEEP_S = 8.0
_MOST = 32


class Line:
    """An open WebSocket; what comes before somebody listens is kept."""

    def __init__(self, websocket: WebSocket) -> None:
        """Take a WebSocket in the turn of the loop in which it was opened."""
        self.websocket = websocket
        self._early: list[str | bytes] = []
        websocket.listen(self._early.append, lambda code, reason: None)

    def listen(self, on_message: Callable[[str | bytes], None], on_closed: Callable[[int, str], None]) -> None:
        """Deliver what came already, and what comes."""
        self.websocket.listen(on_message, on_closed)
        early, self._early = self._early, []
        for message in early:
            on_message(message)


class Lines:
    """Lines that were opened ahead: each is for the next call that comes soon enough."""

    def __init__(self, dial: Callable[[], Awaitable[WebSocket]]) -> None:
        self._dial = dial
        self._spare: list[tuple[Line, asyncio.TimerHandle]] = []

    async def prepare(self) -> None:
        """Open one more; a vendor that cannot be reached is left to the call to complain of."""
        if len(self._spare) >= _MOST:
            return
        with suppress(OSError):
            line = Line(await self._dial())
            self._spare.append((line, asyncio.get_running_loop().call_later(_KEEP_S, self._drop, line)))

    async def open(self) -> Line:
        """A line that is open; raise ``OSError`` when there is none to be had."""
        while self._spare:
            line, timer = self._spare.pop(0)
            timer.cancel()
            if line.websocket.is_open:
                return line
        return Line(await self._dial())

    def close(self) -> None:
        """Hang up what nobody took."""
        for line, timer in self._spare:
            timer.cancel()
            line.websocket.close()
        self._spare.clear()

    def _drop(self, line: Line) -> None:
        self._spare = [each for each in self._spare if each[0] is not line]
        line.websocket.close()
