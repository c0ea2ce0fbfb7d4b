"""Sockets to a voice, kept open from one reply to the next and one ahead of need.

A reply takes the line that spoke last, which is the warmest, and gives it back. When it took the last one, another is
opened meanwhile. A line that nobody takes for long is hung up before the vendor does that in the moment it is needed.
One that leaves a reply waiting as a dead one would is not taken again, and as long as it does, what goes the same way
is not trusted either: the next reply has a fresh one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from mediasrv.errors import ProviderError
from mediasrv.providers.voiceline import VoiceLine

# Longest wait for a vendor to confirm that it stopped speaking what was cancelled.
SETTLE_S = 2.0


class VoicePool:
    """The lines of one format."""

    def __init__(self, dial: Callable[[], Awaitable[VoiceLine]], keep_s: float) -> None:
        """``dial`` raises ``ProviderError`` when there is no line to be had; ``keep_s``: longest time without use."""
        self._dial = dial
        self._keep_s = keep_s
        self._idle: dict[VoiceLine, asyncio.TimerHandle] = {}
        self._lent: set[VoiceLine] = set()
        self._opening: asyncio.Task[None] | None = None
        self._is_closed = False

    async def prepare(self) -> None:
        """Have a line that is free; a vendor that cannot be reached is left to the reply to complain of."""
        if not any(line.is_free for line in self._idle):
            await asyncio.wait([self._open_spare()])

    async def take(self) -> VoiceLine:
        """A line for a reply, to be given back in any case; raise ``ProviderError`` when there is none to be had."""
        line = self._take_idle() or await self._dial()
        self._lent.add(line)
        return line

    def _take_idle(self) -> VoiceLine | None:
        if any(line.is_suspect for line in self._lent):
            return None
        for line in reversed(list(self._idle)):
            if not line.is_open:
                self._drop(line)
            elif line.is_free:
                self._idle.pop(line).cancel()
                if not any(other.is_free for other in self._idle):
                    self._open_spare()
                return line
        return None

    def give_back(self, line: VoiceLine) -> None:
        """The reply is over, or not wanted any more."""
        self._lent.discard(line)
        is_suspect = line.is_suspect
        line.release()
        if is_suspect:
            line.hang_up()
        elif line.lost is None:
            self._keep(line)

    async def aclose(self) -> None:
        """Hang up all lines that nobody has."""
        self._is_closed = True
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        for line in list(self._idle):
            self._drop(line)

    def _keep(self, line: VoiceLine) -> None:
        if self._is_closed:
            line.hang_up()
            return
        loop = asyncio.get_running_loop()
        if line.is_free:
            self._idle[line] = loop.call_later(self._keep_s, self._drop, line)
        else:
            self._idle[line] = loop.call_later(SETTLE_S, self._settle, line)

    def _settle(self, line: VoiceLine) -> None:
        """It has had its time to fall silent."""
        if line.is_free:
            self._keep(line)
        else:
            self._drop(line)

    def _drop(self, line: VoiceLine) -> None:
        self._idle.pop(line).cancel()
        line.hang_up()

    def _open_spare(self) -> asyncio.Task[None]:
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._spare(), name="spare voice line")
        return self._opening

    async def _spare(self) -> None:
        with suppress(ProviderError):
            self._keep(await self._dial())
