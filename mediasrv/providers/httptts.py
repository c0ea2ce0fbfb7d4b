"""What all voices behind HTTP share: each phrase is a POST that is answered by its audio.

The next phrase is asked for while the one before is received, so that no round trip lies between them. A connection is
kept when its audio was read to the end; one whose audio is not wanted any more is closed, at which vendors stop. A kept
connection may have been closed by the vendor just when it is wanted again, so a request that broke before any answer is
made once more: it changes nothing at the vendor (RFC 9110 section 9.2.2).
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from typing import Any, ClassVar

import aiohttp

from mediasrv.audio.format import MULAW_8K, AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.net.origin import Query, http_url, rooted
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.diction import STAGE
from mediasrv.providers.sockettts import check_voice
from mediasrv.providers.stopping import stop
from mediasrv.providers.vendor import CONNECT_LIMIT_S, http_session, keep_open, refusal

READ_LIMIT_S = 15.0
# How a connection that was closed at the other end shows itself.
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)

_Answer = tuple[str, aiohttp.ClientResponse]


class HttpTts(Tts):
    """Text-to-speech behind HTTP; one pool of connections for all calls."""

    vendor_url: ClassVar[str]
    """The vendor's own, with the version of its interface as the path where paths are told without."""
    options: Any

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._session: aiohttp.ClientSession | None = None

    @abstractmethod
    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        """Path and parameters of a request for this format."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """What a request carries besides, the key among it."""

    @abstractmethod
    def body(self, phrase: str, audio: AudioFormat) -> Mapping[str, Any]:
        """What is asked."""

    def check(self) -> None:
        """Raise ``ConfigError`` for options that cannot work."""
        check_voice(self.options, self.name)

    def url(self, audio: AudioFormat) -> str:
        """Where it is asked; raise ``ConfigError`` for an origin that is none."""
        path, query = self.target(audio)
        return http_url(rooted(self.options.url, self.vendor_url), path, query)

    async def start(self) -> None:
        self.check()
        self.url(MULAW_8K)
        self._session = http_session()
        await self.prepare()

    async def prepare(self) -> None:
        await keep_open(self._session, self.url(MULAW_8K))

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        audio = self.format_for(wanted)
        answers: asyncio.Queue[_Answer | None] = asyncio.Queue(maxsize=1)
        asking = asyncio.create_task(self._ask_all(phrases, audio, answers), name=f"ask {self.name}")
        answer: _Answer | None = None
        try:
            while (answer := await answers.get()) is not None:
                text, response = answer
                async for payload in self._audio_of(response, audio):
                    yield Speech(payload, text)
                    text = ""
                if text:
                    yield Speech(b"", text)
        finally:
            try:
                await stop(asking)
            finally:
                for each in (answer, None if answers.empty() else answers.get_nowait()):
                    if each is not None:
                        each[1].close()
        if not asking.cancelled() and (error := asking.exception()) is not None:
            raise error

    async def _ask_all(
        self, phrases: AsyncIterable[str], audio: AudioFormat, answers: asyncio.Queue[_Answer | None]
    ) -> None:
        try:
            async for phrase in phrases:
                if phrase.strip():
                    response = await self._ask(phrase.strip(), audio)
                    try:
                        await answers.put((phrase.strip(), response))
                    except asyncio.CancelledError:
                        response.close()
                        raise
        finally:
            # Behind an error too: what was asked before is spoken first.
            if (task := asyncio.current_task()) is not None and not task.cancelling():
                await answers.put(None)

    async def _ask(self, phrase: str, audio: AudioFormat) -> aiohttp.ClientResponse:
        may_retry = True
        while True:
            try:
                response = await self._post(phrase, audio)
                break
            except (aiohttp.ClientError, OSError) as error:
                if not may_retry or isinstance(error, aiohttp.ClientConnectorError) or not isinstance(error, _STALE):
                    raise refusal(STAGE, self.name, 0, f"({type(error).__name__})") from error
                may_retry = False
        if response.status != 200:
            response.close()
            raise refusal(STAGE, self.name, response.status)
        return response

    async def _post(self, phrase: str, audio: AudioFormat) -> aiohttp.ClientResponse:
        limits = aiohttp.ClientTimeout(connect=CONNECT_LIMIT_S, sock_connect=CONNECT_LIMIT_S, sock_read=READ_LIMIT_S)
        return await self._running().post(
            self.url(audio),
            json=self.body(phrase, audio),
            headers={"Accept-Encoding": "identity", **self.headers()},
            allow_redirects=False,
            timeout=limits,
        )

    async def _audio_of(self, response: aiohttp.ClientResponse, audio: AudioFormat) -> AsyncGenerator[bytes]:
        """Whole samples as they come."""
        rest = b""
        try:
            async for data in response.content.iter_any():
                data = rest + data
                whole = len(data) - len(data) % audio.bytes_per_sample
                rest = data[whole:]
                if whole:
                    yield data[:whole]
        except (aiohttp.ClientError, OSError) as error:
            text = f"broke off ({type(error).__name__})"
            raise ProviderError(text, stage=STAGE, provider=self.name, retryable=True) from error

    def _running(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            raise ProviderError("it is not running", stage=STAGE, provider=self.name, retryable=False)
        return self._session
