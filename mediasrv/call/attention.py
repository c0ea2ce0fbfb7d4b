"""Attention: what a model that hears by itself is given of the caller.

To the ear it is a recogniser that writes nothing down. The model is given utterances and the moment before each, and
none of the silence between them, as it would be paid for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from mediasrv.call.asked import Sayings
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Recognition, Transcript
from mediasrv.providers.realtime import Dialogue

UNWRITTEN = "…"
"""Words that nobody has written down yet; the turn machine wants to know that there are some."""


class Attention(Recognition):
    """One call's."""

    def __init__(self, dialogue: Callable[[], Dialogue], committed: Callable[[], None]) -> None:
        """``dialogue`` is the one of the moment; ``committed`` is called when an utterance is over."""
        self.sayings = Sayings()
        self._dialogue = dialogue
        self._committed = committed
        self._finals: asyncio.Queue[Transcript | ProviderError] = asyncio.Queue()

    def send(self, payload: bytes) -> None:
        if self.sayings.push(payload):
            self._dialogue().send(payload)

    def begin(self) -> None:
        for payload in self.sayings.begin():
            self._dialogue().send(payload)

    def finalize(self, request: int) -> None:
        self._finals.put_nowait(Transcript(UNWRITTEN, True, request))

    def commit(self) -> None:
        """The utterance is over: what was sent since the last answer was asked for needs none."""
        self.sayings.end()
        self._committed()

    def fail(self, error: ProviderError) -> None:
        """Nobody hears the caller any more."""
        self._finals.put_nowait(error)

    def aclose(self) -> None:
        """The call is over: who wants to know of utterances is forgotten."""
        self._committed = lambda: None

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        while True:
            final = await self._finals.get()
            if isinstance(final, ProviderError):
                raise final
            yield final
