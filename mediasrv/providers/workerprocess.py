"""The server's side of the pipe: a worker process that is kept alive, and the phrases it is asked to speak.

One task of this object reads what the worker says and hands each frame to the phrase it belongs to; what comes for a
phrase that nobody waits for any more is dropped. When the worker ends, its phrases fail with an error that may be
retried, and another worker is started in its place. A worker that owes audio and is silent for long is ended, too.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers.pipe import Decoder, Frame, Kind, encode

log = logging.getLogger(__name__)

READ_BYTES = 65536
START_LIMIT_S = 60.0
"""Longest wait for READY: a cold disk has 100 MB to read."""
RESTART_WAIT_S = 5.0
"""Longest that a phrase waits for a worker that is being restarted."""
STUCK_S = 20.0
"""A worker that owes audio all this time and sends none hangs; a long sentence on a busy core takes 2 s."""
END_LIMIT_S = 2.0
"""Longest wait for a worker to end by itself when its input is closed."""
LONGEST_PAUSE_S = 30.0
"""Between attempts to restart; they begin at once and double from a quarter of a second."""


class Life:
    """One worker process, from its start to its end."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._decoder = Decoder()

    @classmethod
    async def begin(cls, module: str, setup: Mapping[str, Any]) -> tuple[Life, int]:
        """Start a worker and return it with the rate of its audio; raise ``ConfigError`` when it does not get ready."""
        # -P: a file of the operator's that is called like one of ours must not be run instead.
        command = (sys.executable, "-P", "-m", module, json.dumps(setup))
        life = cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE))
        try:
            async with asyncio.timeout(START_LIMIT_S):
                frames = await life.hear()
        except BaseException as error:
            life.kill()
            await life.end()
            if isinstance(error, TimeoutError):
                raise ConfigError(f"{module} was not ready after {START_LIMIT_S:.0f} s") from None
            raise
        if not frames or frames[0].kind is not Kind.READY:
            await life.end()
            why = frames[0].text if frames else f"it ended with status {life.status}"
            raise ConfigError(f"{module} did not start: {why}")
        return life, int(frames[0].text)

    @property
    def status(self) -> int | None:
        """Its exit status; ``None`` while it lives."""
        return self._process.returncode

    async def hear(self) -> list[Frame]:
        """Return the next frames, nothing when the worker has ended or says what is no frame."""
        assert self._process.stdout is not None
        while data := await self._process.stdout.read(READ_BYTES):
            try:
                frames = self._decoder.push(data)
            except ValueError:
                return []
            if frames:
                return frames
        return []

    def say(self, frame: Frame) -> None:
        """Write a frame; one that the worker does not live to read is lost."""
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing():
            self._process.stdin.write(encode(frame))

    async def end(self) -> None:
        """Close its input, on which it ends; kill it when it does not."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_LIMIT_S):
                await self._process.wait()
        except TimeoutError:
            self.kill()
        # Read to its end, so that the transport is closed with the process.
        await self._process.stdout.read()
        await self._process.wait()

    def kill(self) -> None:
        """End it now, whatever it is doing."""
        if self.status is None:
            self._process.kill()


class WorkerProcess:
    """A worker that is there whenever it can be."""

    rate_hz: int = 0
    """Of its audio; known once started."""

    def __init__(self, provider: str, module: str, setup: Mapping[str, Any]) -> None:
        self._provider = provider
        self._module = module
        self._setup = setup
        self._life: Life | None = None
        self._alive = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Queue[Frame]] = {}

    async def start(self) -> None:
        """Start the worker and wait until it is warm; raise ``ConfigError`` when it cannot."""
        self._life, self.rate_hz = await Life.begin(self._module, self._setup)
        self._alive.set()
        self._keeper = asyncio.create_task(self._keep(self._life), name=f"keep {self._provider}")

    async def aclose(self) -> None:
        """End the worker; phrases that wait for it fail."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
            self._keeper = None
        self._lose("its process was stopped")
        if self._life is not None:
            await self._life.end()

    async def speak(self, text: str) -> AsyncGenerator[bytes]:
        """Yield the audio of a phrase, piece by piece; cancelling takes the request back.

        Raise ``ProviderError`` when the worker fails or is not there.
        """
        life = await self._living()
        request = next(self._numbers)
        inbox = self._waiting[request] = asyncio.Queue()
        life.say(Frame(Kind.SPEAK, request, text.encode("utf-8", "replace")))
        frame = Frame(Kind.AUDIO)
        try:
            while (frame := await inbox.get()).kind is Kind.AUDIO:
                yield frame.payload
        finally:
            del self._waiting[request]
            if frame.kind is Kind.AUDIO:
                life.say(Frame(Kind.CANCEL, request))
        if frame.kind is Kind.FAILED:
            raise self._error(frame.text)

    async def _living(self) -> Life:
        try:
            async with asyncio.timeout(RESTART_WAIT_S if self._keeper else 0):
                await self._alive.wait()
        except TimeoutError:
            raise self._error("its process is not running") from None
        assert self._life is not None
        return self._life

    def _error(self, why: str) -> ProviderError:
        return ProviderError(why, stage="tts", provider=self._provider, retryable=True)

    async def _keep(self, life: Life) -> None:
        while True:
            await self._listen(life)
            self._lose("its process ended")
            await life.end()
            log.warning("worker ended", extra={"provider": self._provider, "status": life.status})
            self._life = life = await self._begin_again()
            self._alive.set()

    async def _listen(self, life: Life) -> None:
        """Hand over what the worker says, until it ends or hangs."""
        while True:
            owed = set(self._waiting)
            try:
                async with asyncio.timeout(STUCK_S):
                    frames = await life.hear()
            except TimeoutError:
                if owed & self._waiting.keys():
                    life.kill()
                    return
                continue
            if not frames:
                return
            for frame in frames:
                if inbox := self._waiting.get(frame.request):
                    inbox.put_nowait(frame)

    async def _begin_again(self) -> Life:
        pause_s = 0.25
        while True:
            try:
                life, _ = await Life.begin(self._module, self._setup)
            except (ConfigError, OSError) as error:
                log.error("worker did not start", extra={"provider": self._provider, "error": str(error)})
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
            else:
                return life

    def _lose(self, why: str) -> None:
        self._alive.clear()
        for request, inbox in self._waiting.items():
            inbox.put_nowait(Frame(Kind.FAILED, request, why.encode()))
