"""Fillers: short set phrases that tell a caller who waits for a reply that somebody is there.

A reply's speech passes through here on its way to the mouth, because who makes a reply holds the floor. When the caller
has heard nothing for a while, be it that the model is slow or a tool, before the first word or between two phrases, a
filler goes ahead of what comes next. A reply that goes on to let the caller wait when no filler is left has failed:
what is said about that comes before he takes the line for dead. Fillers have no words: neither the transcript nor the
model's history knows of them, so that the model neither takes them for its answers nor learns to stall.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

from mediasrv.providers.base import Speech
from mediasrv.providers.reader import Reader

# Enough for a tool that takes all the time it has, and a slow model then; more says nothing new.
MOST_A_REPLY = 4
# Where the silence was not the reply's, it is given this long before a filler stands in for it.
GRACE_S = 0.6


class Fillers:
    """One call's fillers, each in its turn."""

    def __init__(
        self,
        render: Callable[[], Sequence[Sequence[Speech]]],
        after_s: float,
        limit_s: float,
        most: int = MOST_A_REPLY,
    ) -> None:
        """``render`` gives the audio of all fillers.

        A filler is due ``after_s`` into a silence; where there is none left, the reply has failed at ``limit_s``.
        """
        self._render = render
        self._after_s = after_s
        self._limit_s = limit_s
        self._most = most
        self._spoken = 0

    def over(
        self, speech: AsyncGenerator[Speech], silent_since: Callable[[], float], begun: Callable[[], None]
    ) -> Answer:
        """A reply with fillers where it lets the caller wait.

        ``silent_since`` is when the caller's silence began, or begins; ``begun`` is called with the reply's own first
        audio.
        """
        return Answer(self, speech, silent_since, begun)

    @property
    def most(self) -> int:
        """How many fillers a reply may have: none is said twice in a row."""
        phrases = len(self._render())
        return self._most if phrases > 1 else min(self._most, phrases)

    def due_s(self, silent_s: float, begun_s: float, left: int) -> float:
        """When a filler is due in a silence and a reply that were begun then, or the reply's end when none is left."""
        wait_s = self._after_s if left else self._limit_s
        return max(silent_s + wait_s, begun_s + GRACE_S)

    def take(self) -> Sequence[Speech]:
        """The next filler's audio."""
        phrases = self._render()
        phrase = phrases[self._spoken % len(phrases)]
        self._spoken += 1
        return [Speech(piece.audio) for piece in phrase]


class Answer:
    """One reply and the fillers in it."""

    def __init__(
        self,
        fillers: Fillers,
        speech: AsyncGenerator[Speech],
        silent_since: Callable[[], float],
        begun: Callable[[], None],
    ) -> None:
        self.is_filling = False
        """Whether what is being queued at this moment is a filler."""
        self.has_begun = False
        """Whether the reply itself has been audible."""
        self._fillers = fillers
        self._speech = speech
        self._silent_since = silent_since
        self._begun = begun

    async def speech(self) -> AsyncGenerator[Speech]:
        """Yield the reply's audio and the fillers; raise what the reply does. Closing this closes the reply.

        Raise ``TimeoutError`` when the caller would be left in silence.
        """
        begun_s = asyncio.get_running_loop().time()
        left = self._fillers.most
        async with aclosing(self._speech):
            reader = Reader(self._speech)
            try:
                while True:
                    while not await self._comes_in_time(reader, begun_s, left):
                        if not left:
                            raise TimeoutError("left the caller in silence")
                        left -= 1
                        self.is_filling = True
                        for filler in self._fillers.take():
                            yield filler
                        self.is_filling = False
                    piece = reader.take()
                    if piece is None:
                        return
                    self._note(piece)
                    yield piece
            finally:
                self.is_filling = False
                await reader.aclose()

    async def _comes_in_time(self, reader: Reader[Speech], begun_s: float, left: int) -> bool:
        """Wait for the next piece, and no longer than the caller should."""
        now = asyncio.get_running_loop().time
        while not reader.is_ready:
            # Somebody else may speak meanwhile, such as a tool; so what was due may not be due any more.
            wait_s = self._fillers.due_s(self._silent_since(), begun_s, left) - now()
            if wait_s <= 0:
                return False
            await reader.wait(wait_s)
        return True

    def _note(self, piece: Speech) -> None:
        if piece.audio and not self.has_begun:
            self.has_begun = True
            self._begun()
