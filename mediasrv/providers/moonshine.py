"""Moonshine tiny-en, a small English recogniser, from the package whose last version with weights is pinned.

The model hears a whole utterance at once, so nothing is decoded while the caller speaks: a recognition keeps the last
moments of audio until the utterance begins, then all of it, and each request for a final decodes what there is, 20 to
30 times faster than speech. Two traps of the library shape the rest. It returns garbage, without an error, when two
threads use one transcriber, so all calls share one thread. And a transcriber carries the state of its voice detector
from one clip into the next, so each decode opens a stream of its own, and forces the text out *before* it stops it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from mediasrv.audio.format import L16_16K, AudioFormat
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.providers import installed
from mediasrv.providers.base import Recognition, Stt, Transcript
from mediasrv.providers.weights import MOONSHINE_TINY_EN, verify

# The library decodes inside add_audio at this interval of audio; no utterance is as long.
NEVER_S = 600.0
# ctypes copies a list of floats under the interpreter's lock; a second of audio takes 0.6 ms.
COPY_SAMPLES = 16000
TAIL_MS = 200
"""Silence put after the audio: a word that ends with the clip is often lost."""


class MoonshineStt(Stt):
    """One model for all calls."""

    name = "moonshine"
    formats = (L16_16K,)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "moonshine"``."""

        pre_roll_ms: int = 400
        """Audio from before the utterance was noticed that belongs to it."""
        max_utterance_s: int = 60
        """Of a longer utterance, the end is written down."""

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="moonshine")
        self._transcriber: Any = None
        self._library_error: type[Exception] = RuntimeError

    @classmethod
    def missing(cls) -> str:
        return installed.missing(installed.LOCAL_EXTRA, MOONSHINE_TINY_EN.module)

    async def start(self) -> None:
        installed.require(installed.LOCAL_EXTRA, MOONSHINE_TINY_EN.module)
        folder = await verify(MOONSHINE_TINY_EN)
        await self._in_worker(self._load, str(folder / "assets" / "tiny-en"))
        await self.decode(bytes(L16_16K.bytes_in(1000)))

    async def aclose(self) -> None:
        transcriber, self._transcriber = self._transcriber, None
        await asyncio.to_thread(self._worker.shutdown, cancel_futures=True)
        if transcriber is not None:
            transcriber.close()

    def listen(self, audio: AudioFormat) -> Recognition:
        return _Utterances(self, audio)

    async def decode(self, audio: bytes) -> str:
        """Write down 16-bit samples at 16 kHz; raise ``ProviderError``. Cancelling gives up what has not begun."""
        if self._transcriber is None:
            raise ProviderError("it is not running", stage="stt", provider=self.name, retryable=False)
        try:
            return str(await self._in_worker(partial(_decode, self._transcriber), audio))
        except (self._library_error, RuntimeError) as error:
            why = type(error).__name__
            raise ProviderError(why, stage="stt", provider=self.name, retryable=True) from error

    async def _in_worker(self, work: Callable[..., Any], argument: object) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, argument)

    def _load(self, model: str) -> None:
        try:
            from moonshine_voice.errors import MoonshineError
            from moonshine_voice.moonshine_api import ModelArch
            from moonshine_voice.transcriber import Transcriber
        except (ImportError, OSError) as error:
            raise ConfigError(f"moonshine cannot be loaded ({error}): {MOONSHINE_TINY_EN.remedy}") from error
        self._library_error = MoonshineError
        try:
            self._transcriber = Transcriber(model, ModelArch.TINY, options={"return_audio_data": "false"})
        except MoonshineError as error:
            raise ConfigError(f"moonshine cannot read its model ({error}): {MOONSHINE_TINY_EN.remedy}") from error


def _decode(transcriber: Any, audio: bytes) -> str:
    """Decode 16-bit samples, in the one thread that may."""
    samples = np.frombuffer(audio + bytes(L16_16K.bytes_in(TAIL_MS)), "<i2").astype(np.float32) / 32768
    stream = transcriber.create_stream(update_interval=NEVER_S)
    try:
        stream.start()
        for at in range(0, len(samples), COPY_SAMPLES):
            stream.add_audio(samples[at : at + COPY_SAMPLES].tolist(), L16_16K.rate_hz)
        lines = stream.update_transcription(transcriber.MOONSHINE_FLAG_FORCE_UPDATE).lines
        stream.stop()
    finally:
        stream.close()
    return " ".join(line.text.strip() for line in lines).strip()


class _Utterances(Recognition):
    """One call's audio; the consumer of ``transcripts`` is what drives the decoding."""

    def __init__(self, stt: MoonshineStt, audio: AudioFormat) -> None:
        self._stt = stt
        self._pre_roll_bytes = audio.bytes_in(stt.options.pre_roll_ms)
        self._max_bytes = audio.bytes_in(1000 * stt.options.max_utterance_s)
        self._audio = bytearray()
        self._is_open = False
        self._number = 0
        # The newest request and the audio it is about. It takes the place of one that no thread has begun.
        self._wanted: tuple[int, bytes] | None = None
        self._awake = asyncio.Event()

    def send(self, payload: bytes) -> None:
        self._audio += payload
        self._forget(self._max_bytes if self._is_open else self._pre_roll_bytes)

    def begin(self) -> None:
        self._is_open = True

    def finalize(self, request: int) -> None:
        self._wanted = (request, bytes(self._audio) if self._is_open else b"")
        self._awake.set()

    def commit(self) -> None:
        self._number += 1
        self._is_open = False
        self._wanted = None
        self._forget(self._pre_roll_bytes)

    def _forget(self, kept_bytes: int) -> None:
        if len(self._audio) > kept_bytes:
            del self._audio[: len(self._audio) - kept_bytes]

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        while True:
            await self._awake.wait()
            self._awake.clear()
            if self._wanted is None:
                continue
            (request, audio), self._wanted = self._wanted, None
            number = self._number
            text = await self._stt.decode(audio) if audio else ""
            if number == self._number:
                yield Transcript(text, is_final=True, request=request)
