"""The bot's floor: one thing is said at a time.

Who speaks holds the floor until all of his audio is queued. What is said from within a reply (by a tool that the reply
waits for) is said on the reply's own floor: were it to wait for the reply's end, that would never come. Who belongs to
a reply is known by the context that his task was made in.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from contextvars import Context, ContextVar, copy_context


class _Speaker:
    """One reply, or another thing that is said."""

    def __init__(self) -> None:
        self.has_spoken = False


_speaker: ContextVar[_Speaker | None] = ContextVar("speaker", default=None)


def speaker_context() -> Context:
    """A context to make a reply in before it has the floor: what is said from there later is said from within it."""
    context = copy_context()
    context.run(_speaker.set, _Speaker())
    return context


class Floor:
    """One call's."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._holder: _Speaker | None = None

    @property
    def is_free(self) -> bool:
        """Whether nobody speaks, or is about to go on."""
        return self._holder is None

    @property
    def is_ours(self) -> bool:
        """Whether who asks belongs to what is being said."""
        return self._holder is not None and _speaker.get() is self._holder

    @asynccontextmanager
    async def held(self) -> AsyncGenerator[None]:
        """Wait for the floor, and hold it."""
        async with self._lock:
            expected = _speaker.get()
            # Who has spoken, and left tasks behind that speak later, is not within his reply any more.
            holder = _Speaker() if expected is None or expected.has_spoken else expected
            holder.has_spoken = True
            self._holder = holder
            token = _speaker.set(holder)
            try:
                yield
            finally:
                _speaker.reset(token)
                self._holder = None
