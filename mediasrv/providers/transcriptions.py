"""OpenAI-style ``POST /v1/audio/transcriptions``: speaches, vLLM and others of one's own, and OpenAI itself.

There is no stream: the utterance so far is sent, as a WAV file, whenever a final is wanted, and the answer is that
final. A wish that is overtaken by a newer one or by the end of the utterance is given up, and with it its request.
Sources: OpenAI's own Python client, the documentation of speaches and vLLM.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

import aiohttp

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat
from mediasrv.audio.wav import wav
from mediasrv.errors import ProviderError
from mediasrv.net.origin import http_url, rooted
from mediasrv.providers.base import Recognition, Stt, Transcript
from mediasrv.providers.dialect import STAGE
from mediasrv.providers.loosejson import parse_object, table, text, word
from mediasrv.providers.minutes import LEAD_IN_MS
from mediasrv.providers.socketstt import ALAW_8K
from mediasrv.providers.sunset import warn_of_sunset
from mediasrv.providers.vendor import CONNECT_LIMIT_S, VendorOptions, http_session, refusal, require_key

ORIGIN = "https://api.openai.com/v1"
# Whisper and its kin look at so much at a time; an utterance that is longer loses its beginning.
_LONGEST_MS = 30_000
_ANSWER_BYTES = 256 * 1024
# How a kept connection that the server has closed in the meantime shows itself.
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)

Write = Callable[[bytes], Coroutine[Any, Any, str]]
"""Has audio written down."""


class Dictaphone(Recognition):
    """One call's recognition: records utterances, and has them written down."""

    def __init__(self, audio: AudioFormat, write: Write) -> None:
        self._write = write
        self._longest_bytes = audio.bytes_in(_LONGEST_MS)
        self._lead_bytes = audio.bytes_in(LEAD_IN_MS)
        self._most_bytes = self._lead_bytes
        self._recorded = bytearray()
        self._wish: tuple[int, bytes] | None = None
        self._wished = asyncio.Event()
        self._writing: asyncio.Task[str] | None = None

    def send(self, payload: bytes) -> None:
        self._recorded += payload
        if len(self._recorded) > self._most_bytes:
            del self._recorded[: -self._most_bytes]

    def begin(self) -> None:
        self._most_bytes = self._longest_bytes

    def finalize(self, request: int) -> None:
        self._give_up()
        self._wish = request, bytes(self._recorded)
        self._wished.set()

    def commit(self) -> None:
        self._give_up()
        self._most_bytes = self._lead_bytes
        del self._recorded[: -self._lead_bytes]

    async def transcripts(self) -> AsyncGenerator[Transcript]:
        try:
            while True:
                await self._wished.wait()
                self._wished.clear()
                wish, self._wish = self._wish, None
                if wish is not None:
                    request, audio = wish
                    writing = self._writing = asyncio.create_task(self._write(audio), name="transcription")
                    await asyncio.wait([writing])
                    if not writing.cancelled() and writing is self._writing:
                        yield Transcript(writing.result(), True, request)
        finally:
            if self._writing is not None:
                self._writing.cancel()
                await asyncio.wait([self._writing])

    def _give_up(self) -> None:
        self._wish = None
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None


class TranscriptionsStt(Stt):
    """Any server of transcriptions; one pool of connections for all calls."""

    name = "transcriptions"
    formats: ClassVar[Sequence[AudioFormat]] = (MULAW_8K, ALAW_8K, L16_8K, L16_16K)

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options(VendorOptions):
        """Keys of ``provider = "transcriptions"``."""

        model: str = "gpt-transcribe"
        language: str = ""
        """ISO 639 code; empty: whichever is heard."""
        prompt: str = ""
        """Names and terms to expect, as a sentence."""
        limit_ms: int = 5000
        """Longest wait for an answer."""

    options: Options

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where audio is sent; raise ``ConfigError`` for an origin that is none."""
        return http_url(rooted(self.options.url, ORIGIN), "/audio/transcriptions")

    async def start(self) -> None:
        if not self.options.url:  # a server of one's own often has no key
            require_key(self.options, STAGE, self.name)
        _ = self.url
        warn_of_sunset(self.options.model, date.today())
        self._session = http_session()

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def listen(self, audio: AudioFormat) -> Recognition:
        return Dictaphone(audio, lambda payload: self._transcribe(wav(audio, payload)))

    async def _transcribe(self, file: bytes) -> str:
        """Have a file written down; a connection that was closed while nobody used it is replaced."""
        try:
            try:
                return await self._post(file)
            except _STALE as error:
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                return await self._post(file)
        except TimeoutError as error:
            raise refusal(STAGE, self.name, 0, "in time") from error
        except (aiohttp.ClientError, OSError) as error:
            raise refusal(STAGE, self.name, 0, f"({type(error).__name__})") from error

    async def _post(self, file: bytes) -> str:
        if self._session is None or self._session.closed:
            raise ProviderError("it is not running", stage=STAGE, provider=self.name, retryable=False)
        limits = aiohttp.ClientTimeout(total=self.options.limit_ms / 1000, sock_connect=CONNECT_LIMIT_S)
        async with self._session.post(
            self.url, data=self._form(file), headers=self._headers(), allow_redirects=False, timeout=limits
        ) as response:
            body = await response.content.read(_ANSWER_BYTES)
            answer = parse_object(body)
            if response.status != 200:
                raise refusal(STAGE, self.name, response.status, word(table(answer or {}, "error").get("code")))
            if answer is None or not isinstance(answer.get("text"), str):
                raise ProviderError("answered no text", stage=STAGE, provider=self.name, retryable=True)
            return text(answer, "text").strip()

    def _form(self, file: bytes) -> aiohttp.FormData:
        form = aiohttp.FormData({"model": self.options.model, "response_format": "json", "temperature": "0"})
        form.add_field("file", file, filename="utterance.wav", content_type="audio/wav")
        for key in ("language", "prompt"):
            if value := getattr(self.options, key):
                form.add_field(key, value)
        return form

    def _headers(self) -> Mapping[str, str]:
        key = self.options.api_key
        return {"Authorization": f"Bearer {key}"} if key else {}
