"""Text-to-speech by an engine that lives in a worker process."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.workerprocess import WorkerProcess


class ProcessTts(Tts):
    """What providers of this kind share; each names its worker and what that is told."""

    is_elastic = False
    worker: ClassVar[str]
    """Module that is run as the worker."""

    _process: WorkerProcess | None = None

    @abstractmethod
    async def setup(self) -> Mapping[str, Any]:
        """Look for what the worker needs and say where it is; raise ``ConfigError`` for what is missing."""

    async def start(self) -> None:
        process = WorkerProcess(self.name, self.worker, await self.setup())
        await process.start()
        self._process = process

    async def aclose(self) -> None:
        if self._process is not None:
            await self._process.aclose()

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        """The engine's own rate, known once started, in 16-bit samples."""
        return AudioFormat(Encoding.L16, self._started().rate_hz)

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak phrase by phrase. A phrase without a sound in it, such as a dash, gives one piece of no audio."""
        async for phrase in phrases:
            text = phrase
            async with aclosing(self._started().speak(phrase)) as pieces:
                async for piece in pieces:
                    yield Speech(piece, text)
                    text = ""
            if text:
                yield Speech(b"", text)

    def _started(self) -> WorkerProcess:
        if self._process is None:
            raise ProviderError("it is not started", stage="tts", provider=self.name, retryable=False)
        return self._process
