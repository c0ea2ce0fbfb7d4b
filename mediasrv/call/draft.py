"""A draft: a reply that is made before it is sure that the caller has finished, and held at a gate.

Until the gate opens nothing of it is heard, none of its tools run, and the history knows nothing of it. It is made up
to its first audio and no further, so that little is lost when the caller goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextvars import Context

from mediasrv.call.spawn import Spawn
from mediasrv.call.trace import TurnTrace
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.stopping import stop


class Gate:
    """Shut while the caller may go on; opened once, for good."""

    def __init__(self) -> None:
        self._opened = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether the reply is wanted."""
        return self._opened.is_set()

    def open(self) -> None:
        """The reply is wanted."""
        self._opened.set()

    async def passed(self) -> None:
        """Return when the gate is open."""
        await self._opened.wait()


class Draft:
    """One reply in the making; either its ``speech`` is read, or it is dropped."""

    def __init__(
        self, speech: AsyncGenerator[Speech], gate: Gate, trace: TurnTrace, context: Context, spawn: Spawn
    ) -> None:
        """``speech`` is the reply, whose tools wait for the gate.

        It is made in ``context``, and is to be read in it, so that its tools are known to speak for it.
        """
        self.trace = trace
        self.context = context
        self._speech = speech
        self._gate = gate
        self._pieces: list[Speech] = []
        self._failure: ProviderError | TimeoutError | None = None
        self._is_made = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._begun_s = self._loop.time()
        self.took_ms: float | None = None
        """From its beginning to its first audio; None until that is there."""
        self._making = spawn(self._make(), context)

    async def _make(self) -> None:
        try:
            async for piece in self._speech:
                self._pieces.append(piece)
                if piece.audio:
                    now = self._loop.time()
                    self.trace.reach("first_audio", now)
                    self.took_ms = (now - self._begun_s) * 1000
                    break
        except (ProviderError, TimeoutError) as failure:
            # Told to who reads the draft; nobody else needs to know.
            self._failure = failure
        self._is_made.set()
        try:
            await self._gate.passed()
        except asyncio.CancelledError:
            await self._speech.aclose()
            raise

    def drop(self) -> None:
        """It is not wanted: stop its providers. Nothing happens when its ``speech`` is being read."""
        if self._making is not None and not self._gate.is_open:
            # What it ends with holds its frames, and they hold us: a circle, if we held it.
            making, self._making = self._making, None
            making.cancel()

    async def speech(self) -> AsyncGenerator[Speech]:
        """Open the gate and yield the reply; raise what it fails with. Closing this stops its providers."""
        self._gate.open()
        try:
            await self._is_made.wait()
            for piece in self._pieces:
                yield piece
            if self._failure is not None:
                raise self._failure
            async for piece in self._speech:
                yield piece
        finally:
            await self._stop()

    async def _stop(self) -> None:
        try:
            if self._making is not None and not self._making.done():
                await stop(self._making)
        finally:
            await self._speech.aclose()
