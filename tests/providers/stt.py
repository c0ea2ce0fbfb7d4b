"""Recognisers and their stand-ins, and a call that speaks to one."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.assemblyai import AssemblyAiStt
from mediasrv.providers.base import HintKind, Recognition, Stt, Transcript, TurnHint
from mediasrv.providers.deepgram import DeepgramStt
from mediasrv.providers.deepgram_flux import DeepgramFluxStt
from mediasrv.providers.sarvam import SarvamStt
from mediasrv.providers.scribe import ScribeStt
from mediasrv.providers.socketstt import SocketStt
from native_bench.standins import assemblyai, deepgram, deepgram_flux, sarvam_stt, scribe
from native_bench.standins.base import Fault, WebSocketStandin
from native_bench.standins.dictation import FRAME_MS, encode, quiet
from tests.patience import WAIT_S, until

PAUSE_MS = 120


def open_sockets() -> int:
    """How many sockets this process has; a connection to a stand-in has one at each end."""
    return sum(is_socket(int(fd)) for fd in os.listdir("/proc/self/fd"))


def is_socket(fd: int) -> bool:
    """Whether a file descriptor is one of an open socket."""
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


@dataclass(frozen=True)
class Vendor:
    """A recogniser and its stand-in."""

    stt: type[SocketStt]
    standin: Callable[..., WebSocketStandin]
    key: str
    fatal_code: int
    """A close code that no other session of the same kind would be spared."""

    @property
    def name(self) -> str:
        return self.stt.name

    def open(self, url: str, **options: Any) -> SocketStt:
        """The provider, pointed at a stand-in."""
        kind: Any = self.stt.Options
        return self.stt(kind(**{"url": url, "api_key": self.key} | options))


VENDORS = [
    Vendor(DeepgramStt, deepgram.DeepgramStandin, deepgram.KEY, 1008),
    Vendor(DeepgramFluxStt, deepgram_flux.DeepgramFluxStandin, deepgram.KEY, 1008),
    Vendor(AssemblyAiStt, assemblyai.AssemblyAiStandin, assemblyai.KEY, 3006),
    Vendor(SarvamStt, sarvam_stt.SarvamSttStandin, sarvam_stt.KEY, 4000),
    Vendor(ScribeStt, scribe.ScribeStandin, scribe.KEY, 1008),
]


class Caller:
    """One call's side of a recognition, which is read in the background."""

    def __init__(self, recognition: Recognition, audio: AudioFormat = MULAW_8K) -> None:
        self.recognition = recognition
        self.heard: list[Transcript] = []
        self.hints: list[HintKind] = []
        self.error: ProviderError | None = None
        self._per_ms = audio.bytes_in(1000) // 1000
        self._changed = asyncio.Event()

    async def read(self) -> None:
        try:
            async with aclosing(self.recognition.transcripts()) as transcripts:
                async for heard in transcripts:
                    if isinstance(heard, TurnHint):
                        self.hints.append(heard.kind)
                    else:
                        self.heard.append(heard)
                    self._changed.set()
        except ProviderError as error:
            self.error = error
            self._changed.set()

    async def send(self, audio: bytes) -> None:
        """Frames, as fast as the loop turns."""
        size = FRAME_MS * self._per_ms
        for at in range(0, len(audio), size):
            self.recognition.send(audio[at : at + size])
            if at % (8 * size) == 0:
                await asyncio.sleep(0.001)

    async def quiet(self, duration_ms: int) -> None:
        await self.send(quiet(duration_ms, self._per_ms))

    async def begin(self, words: str) -> None:
        """Begin to speak; it is noticed 60 ms later."""
        audio = encode(words, self._per_ms)
        late = 60 * self._per_ms
        await self.send(audio[:late])
        self.recognition.begin()
        await self.send(audio[late:])

    async def speak(self, words: str) -> None:
        """Speak on."""
        await self.send(encode(words, self._per_ms))

    async def ask(self, request: int) -> Transcript:
        """Pause, and ask for a final."""
        await self.quiet(PAUSE_MS)
        self.recognition.finalize(request)
        return await self.final(request)

    async def final(self, request: int) -> Transcript:
        """The answer to a request."""
        found: Transcript = await self.until(
            lambda: next((each for each in self.heard if each.request == request), None)
        )
        return found

    async def until(self, look: Callable[[], Any]) -> Any:
        """Wait until a look at what was heard finds something; raise what broke the recognition."""
        async with asyncio.timeout(WAIT_S):
            while not (found := look()):
                if self.error is not None:
                    raise self.error
                self._changed.clear()
                await self._changed.wait()
        return found

    async def failure(self) -> ProviderError:
        """What broke the recognition."""
        async with asyncio.timeout(WAIT_S):
            while self.error is None:
                self._changed.clear()
                await self._changed.wait()
        return self.error


@asynccontextmanager
async def calling(stt: Stt, audio: AudioFormat = MULAW_8K) -> AsyncIterator[Caller]:
    """A call that is over at the end of the block."""
    caller = Caller(stt.listen(audio), audio)
    reading = asyncio.create_task(caller.read())
    try:
        yield caller
    finally:
        reading.cancel()
        await asyncio.wait([reading])


@dataclass
class Site:
    """A stand-in that runs, and the provider that talks to it."""

    standin: WebSocketStandin
    stt: SocketStt

    async def emptied(self) -> None:
        """Wait until the stand-in serves nobody."""
        await until(lambda: not self.standin.live)


@asynccontextmanager
async def site(
    vendor: Vendor, faults: Sequence[Fault] = (), options: dict[str, Any] | None = None, **standin_options: Any
) -> AsyncIterator[Site]:
    """A provider and its stand-in, which must have nothing to complain of at the end."""
    if vendor.stt is AssemblyAiStt:
        standin_options = {"lead_ms": 1e9} | standin_options
    standin = vendor.standin(faults=faults, **standin_options)
    async with standin as url:
        stt = vendor.open(url, **options or {})
        await stt.start()
        try:
            yield Site(standin, stt)
        finally:
            await stt.aclose()
    assert standin.complaints == []
