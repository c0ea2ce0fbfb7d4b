"""What stand-ins of voices share: made-up audio in which every character has its place.

Each character lasts as long as any other and is a square wave whose level tells which one it was, so a test sees every
word that was lost, doubled or cut on the way; and it is loud enough to be heard by whatever measures sound.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from functools import lru_cache

from mediasrv.audio.format import MULAW_8K, AudioFormat, Encoding
from native_bench.standins.base import Message, Peer

CHAR_MS = 10
_HALF_WAVE_MS = 1
# ITU-T G.711: the codes below this have the largest magnitudes.
_LOUD_CODES = 48
_NEGATIVE, _POSITIVE = 0x00, 0x80
_LINEAR_STEP = 256


@lru_cache(maxsize=512)
def voiced(text: str, audio: AudioFormat = MULAW_8K, char_ms: int = CHAR_MS) -> bytes:
    """The audio of a text."""
    return b"".join(_wave(ord(char) % _LOUD_CODES, audio, char_ms) for char in text)


def audio_named(encoding: str, rate: object, names: dict[str, Encoding]) -> AudioFormat:
    """The format that a client asks for; raise ``KeyError`` or ``ValueError`` for what is none."""
    return AudioFormat(names[encoding], int(str(rate)))


class Speaker:
    """Says things one after another, and can be told to stop."""

    def __init__(self) -> None:
        self._wants: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    def say(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do this behind what is to be done before."""
        self._wants.put_nowait(work)
        if self._task is None:
            self._task = asyncio.create_task(self._run())

    async def settle(self) -> None:
        """Wait until all is said."""
        await self._wants.join()

    def stop(self) -> None:
        """Drop what is being said and what is to be said."""
        if self._task is not None:
            self._task.cancel()
        self._task, self._wants = None, asyncio.Queue()

    async def _run(self) -> None:
        while True:
            work = await self._wants.get()
            await work()
            self._wants.task_done()


class VoiceSession(ABC):
    """One client's socket, which is closed when it is idle."""

    def __init__(self, peer: Peer, idle_s: float, idle_close: tuple[int, str] = (1000, "idle")) -> None:
        self.peer = peer
        self._idle_s, self._idle_close = idle_s, idle_close
        self._loop = asyncio.get_running_loop()
        self._active_s = self._loop.time()
        self._tasks: set[asyncio.Task[None]] = set()
        self._speakers: list[Speaker] = []

    @abstractmethod
    async def receive(self, message: Message) -> bool:
        """Take a client's message; ``False`` ends the session."""

    def speaker(self) -> Speaker:
        """Somebody who speaks as long as the session lasts."""
        self._speakers.append(Speaker())
        return self._speakers[-1]

    async def run(self) -> None:
        """Serve until one side ends it."""
        self.later(0, self._watch)
        try:
            async for message in self.peer.messages():
                self.stay()
                if not await self.receive(message):
                    break
        finally:
            for speaker in self._speakers:
                speaker.stop()
            for task in self._tasks:
                task.cancel()

    def stay(self) -> None:
        """Something happened that keeps the session alive."""
        self._active_s = self._loop.time()

    def later(self, delay_s: float, work: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
        """Do something in a while, unless the session is over by then or the task is cancelled."""

        async def wait() -> None:
            await asyncio.sleep(delay_s)
            await work()

        task = asyncio.create_task(wait())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _watch(self) -> None:
        left_s = self._active_s + self._idle_s - self._loop.time()
        if left_s > 0:
            self.later(left_s, self._watch)
        else:
            await self.peer.close(*self._idle_close)


def _wave(level: int, audio: AudioFormat, char_ms: int) -> bytes:
    half = audio.rate_hz * _HALF_WAVE_MS // 1000
    if audio.encoding is Encoding.L16:
        value = (level + 64) * _LINEAR_STEP
        one, other = (each.to_bytes(2, "little", signed=True) * half for each in (value, -value))
    else:
        one, other = bytes([_POSITIVE | level]) * half, bytes([_NEGATIVE | level]) * half
    return (one + other) * (char_ms // (2 * _HALF_WAVE_MS))
