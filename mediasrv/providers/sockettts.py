"""What all voices behind a WebSocket share: phrases are sent as they come, while audio is received."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.errors import ConfigError, ProviderError
from mediasrv.net.origin import Query, websocket_url
from mediasrv.net.tls import client_context
from mediasrv.net.websocket import HandshakeError, Limits, connect
from mediasrv.providers.base import Speech, Tts
from mediasrv.providers.diction import STAGE, Diction
from mediasrv.providers.stopping import stop
from mediasrv.providers.sunset import warn_of_sunset
from mediasrv.providers.vendor import CONNECT_LIMIT_S, VendorOptions, refusal, require_key
from mediasrv.providers.voiceline import VoiceLine
from mediasrv.providers.voicepool import VoicePool

ALAW_8K = AudioFormat(Encoding.ALAW, 8000)

# A socket that waits for its next reply must be known to be dead before that comes.
_LIMITS = Limits(ping_s=5.0, close_s=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceOptions(VendorOptions):
    """Keys that every voice on the network takes."""

    voice: str = ""
    """Who speaks, by the vendor's name or number."""
    language: str = "en"
    """What is spoken, in the vendor's spelling."""


class SocketTts(Tts):
    """Text-to-speech by a vendor's WebSocket; replies take theirs from a pool for each format."""

    vendor_url: ClassVar[str]
    """The vendor's own origin."""
    formats: ClassVar[frozenset[AudioFormat]] = frozenset({MULAW_8K, ALAW_8K, L16_8K, L16_16K})
    """What it gives; for anything else, 16-bit samples at 16 kHz."""
    needs_voice: ClassVar[bool] = True
    keep_s: ClassVar[float] = Diction.keep_s

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._pools: dict[AudioFormat, VoicePool] = {}

    @abstractmethod
    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        """Path and parameters of a socket for this format."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """What the request carries besides, the key among it."""

    @abstractmethod
    def diction(self, audio: AudioFormat) -> Diction:
        """A new socket's language."""

    def format_for(self, wanted: AudioFormat) -> AudioFormat:
        return wanted if wanted in self.formats else L16_16K

    def url(self, audio: AudioFormat) -> str:
        """Where a socket is opened; raise ``ConfigError`` for an origin that is none."""
        path, query = self.target(audio)
        return websocket_url(self.options.url or self.vendor_url, path, query)

    async def start(self) -> None:
        check_voice(self.options, self.name, needs_voice=self.needs_voice)
        self.url(MULAW_8K)
        client_context()
        await self.prepare()

    async def prepare(self) -> None:
        await self._pool(MULAW_8K).prepare()

    async def aclose(self) -> None:
        for pool in self._pools.values():
            await pool.aclose()

    async def speak(self, phrases: AsyncIterable[str], wanted: AudioFormat) -> AsyncGenerator[Speech]:
        """Speak; a socket that turns out to be dead before the first audio is replaced once."""
        pool = self._pool(self.format_for(wanted))
        reply = _Reply()
        feeding = asyncio.create_task(reply.feed(phrases), name=f"feed {self.name}")
        may_retry = True
        try:
            while True:
                line = await pool.take()
                reply.take(line)
                try:
                    while (piece := await line.hear()) is not None:
                        may_retry = False
                        yield piece
                    break
                except ProviderError as error:
                    if not (may_retry and line.was_cut and error.retryable):
                        raise
                    may_retry = False
                finally:
                    reply.line = None
                    pool.give_back(line)
        finally:
            await stop(feeding)
        if not feeding.cancelled() and (error_of_phrases := feeding.exception()) is not None:
            raise error_of_phrases

    def _pool(self, audio: AudioFormat) -> VoicePool:
        if audio not in self._pools:
            self._pools[audio] = VoicePool(partial(self._dial, audio), self.keep_s)
        return self._pools[audio]

    async def _dial(self, audio: AudioFormat) -> VoiceLine:
        try:
            websocket = await connect(
                self.url(audio),
                headers=self.headers(),
                ssl=client_context(),
                timeout_s=CONNECT_LIMIT_S,
                limits=_LIMITS,
            )
        except OSError as error:
            status = error.status if isinstance(error, HandshakeError) else 0
            raise refusal(STAGE, self.name, status, "" if status else f"({type(error).__name__})") from error
        return VoiceLine(websocket, self.diction(audio))


class _Reply:
    """The phrases of a reply, on their way to the line that speaks them, or to the one that replaces it."""

    def __init__(self) -> None:
        self.line: VoiceLine | None = None
        self._phrases: list[str] = []
        self._is_whole = False

    def take(self, line: VoiceLine) -> None:
        """Speak on this line, from the beginning."""
        self.line = line
        line.begin()
        for phrase in self._phrases:
            line.speak(phrase)
        if self._is_whole:
            line.finish()

    async def feed(self, phrases: AsyncIterable[str]) -> None:
        """Speak phrases as they come; raise what they raise, when they have been given up as whole."""
        try:
            async for phrase in phrases:
                if phrase.strip():
                    self._phrases.append(phrase.strip())
                    if self.line is not None:
                        self.line.speak(phrase.strip())
        finally:
            self._is_whole = True
            if self.line is not None:
                self.line.finish()


def check_voice(options: VoiceOptions, provider: str, *, needs_voice: bool = True, needs_key: bool = True) -> None:
    """Raise ``ConfigError`` for options that cannot work; warn of a model that ends."""
    if needs_key:
        require_key(options, STAGE, provider)
    if needs_voice and not options.voice:
        raise ConfigError(f"{STAGE} provider {provider} needs a voice: set voice to one of your account's")
    warn_of_sunset(options.model, date.today())
