"""What stand-ins of voices share: made-up audio in which every character has its place.

Each character lasts as long as any other and is a square wave whose level tells which one it was, so a test sees every
word that was lost, doubled or cut on the way; and it is loud enough to be heard by whatever measures sound.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np

from mediasrv.audio.codec import encode
from mediasrv.audio.format import MULAW_8K, AudioFormat, Encoding, samples_in
from native_bench.standins.base import Fault, Message, Peer, WebSocketStandin

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


class VoiceStandin(WebSocketStandin):
    """A voice behind a WebSocket."""

    idle_limit_s: ClassVar[float]
    """The vendor's own limit for sockets without a message."""

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        first_ms: float = 0,
        chunk_ms: int = 100,
        gap_ms: float = 0,
        idle_s: float = 0,
        char_ms: int = CHAR_MS,
        recording: str = "",
    ) -> None:
        """``first_ms``: from a text to its audio; ``gap_ms``: between chunks; ``idle_s``: 0 for the vendor's own.

        ``recording``: samples at 8 kHz (int16 in a file) that are heard in the place of made-up audio, of which every
        character of a context takes ``char_ms``.
        """
        super().__init__(faults=faults, port=port)
        self.first_s, self.gap_s, self.chunk_ms = first_ms / 1000, gap_ms / 1000, chunk_ms
        self.idle_s = idle_s or self.idle_limit_s
        self.char_ms = char_ms
        self._recording = np.fromfile(recording, "<i2") if recording else None
        self.transcripts: list[str] = []
        """What was to be spoken."""
        self.cancelled = 0
        """How often a client did not want the rest."""
        self.kept_alive = 0
        """How often a client asked not to be closed."""

    def audio_of(self, text: str, audio: AudioFormat, spoken_chars: int = 0) -> bytes:
        """The audio of a text, behind so many characters that were spoken before it."""
        if self._recording is None:
            return voiced(text, audio, self.char_ms)
        begin, end = (samples_in(chars * self.char_ms, 8000) for chars in (spoken_chars, spoken_chars + len(text)))
        return encode(audio.encoding, self._recording.take(np.arange(begin, end), mode="wrap"))

    def ledger(self) -> dict[str, Any]:
        return {**super().ledger(), "transcripts": len(self.transcripts), "cancelled": self.cancelled}


class VoiceSession(ABC):
    """One client's socket, which is closed when it is idle."""

    def __init__(self, standin: VoiceStandin, peer: Peer, idle_close: tuple[int, str] = (1000, "idle")) -> None:
        self.peer = peer
        self._voice = standin
        self._idle_s, self._idle_close = standin.idle_s, idle_close
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


class SegmentSession(VoiceSession):
    """One client's, of a vendor whose audio has no name: segments of text are spoken one after another.

    Faults: ``error`` (of kind ``reason``, behind ``after`` chunks), ``afterlife`` (what was cancelled is spoken to its
    end), ``deaf`` (a cancel is not answered).
    """

    def __init__(
        self, standin: VoiceStandin, peer: Peer, audio: AudioFormat, idle_close: tuple[int, str] = (1000, "idle")
    ) -> None:
        super().__init__(standin, peer, idle_close)
        self.audio = audio
        self.voice = self.speaker()
        self.chunks = 0

    @abstractmethod
    async def give(self, payload: bytes) -> None:
        """Send audio."""

    @abstractmethod
    async def fail(self, kind: str) -> None:
        """Report an error."""

    async def utter(self, text: str) -> None:
        """Speak a segment."""
        self._voice.transcripts.append(text)
        await asyncio.sleep(self._voice.first_s)
        data = self._voice.audio_of(text, self.audio)
        step = self.audio.bytes_in(self._voice.chunk_ms)
        for at in range(0, len(data), step):
            fault = self.peer.fault
            if fault.kind == "error" and self.chunks >= fault.after:
                await self.fail(fault.reason)
                return
            await self.give(data[at : at + step])
            self.chunks += 1
            self.stay()
            await asyncio.sleep(self._voice.gap_s)

    def cancel(self, confirm: Callable[[], Awaitable[None]]) -> None:
        """Stop speaking, and confirm it."""
        self._voice.cancelled += 1
        kind = self.peer.fault.kind
        if kind == "deaf":
            return
        if kind != "afterlife":
            self.voice.stop()
        self.voice.say(confirm)


def _wave(level: int, audio: AudioFormat, char_ms: int) -> bytes:
    half = audio.rate_hz * _HALF_WAVE_MS // 1000
    if audio.encoding is Encoding.L16:
        value = (level + 64) * _LINEAR_STEP
        one, other = (each.to_bytes(2, "little", signed=True) * half for each in (value, -value))
    else:
        one, other = bytes([_POSITIVE | level]) * half, bytes([_NEGATIVE | level]) * half
    return (one + other) * (char_ms // (2 * _HALF_WAVE_MS))
