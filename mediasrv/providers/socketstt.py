"""What all recognisers behind a WebSocket share: their options, and how their sockets are opened."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, ClassVar

from mediasrv.audio.format import L16_8K, L16_16K, MULAW_8K, AudioFormat, Encoding
from mediasrv.net.origin import Query, websocket_url
from mediasrv.net.tls import client_context
from mediasrv.net.websocket import Limits, WebSocket, connect
from mediasrv.providers.base import Recognition, Stt
from mediasrv.providers.dialect import STAGE, Dialect
from mediasrv.providers.lines import Lines
from mediasrv.providers.recogniser import Recogniser
from mediasrv.providers.reel import Reel
from mediasrv.providers.sunset import warn_of_sunset
from mediasrv.providers.vendor import CONNECT_LIMIT_S, VendorOptions, require_key

ALAW_8K = AudioFormat(Encoding.ALAW, 8000)

# A ping that goes unanswered so long has lost the session: a caller is waiting at the other end of it.
_LIMITS = Limits(ping_s=1.5, close_s=2.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecogniserOptions(VendorOptions):
    """Keys that every recogniser behind a WebSocket takes."""

    language: str = "en"
    """What callers speak, in the vendor's spelling."""
    keyterms: tuple[str, ...] = ()
    """Names and terms to expect."""
    final_wait_ms: int = 500
    """Longest wait for a final that was asked for; then the text so far counts. No vendor promises one."""


class SocketStt(Stt):
    """Speech-to-text by a vendor's WebSocket; each call has one of its own."""

    vendor_url: ClassVar[str]
    """The vendor's own origin."""
    formats: ClassVar[Sequence[AudioFormat]] = (MULAW_8K, ALAW_8K, L16_8K, L16_16K)

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._lines = {audio: Lines(partial(self._dial, audio)) for audio in self.formats}

    @abstractmethod
    def target(self, audio: AudioFormat) -> tuple[str, Query]:
        """Path and parameters of a session for this format."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """What the request carries besides, the key among it."""

    @abstractmethod
    def dialect(self, audio: AudioFormat) -> Dialect:
        """A new session's language."""

    async def start(self) -> None:
        require_key(self.options, STAGE, self.name)
        self.url(self.formats[0])
        warn_of_sunset(self.options.model, date.today())
        client_context()

    async def prepare(self) -> None:
        await self._lines[self.formats[0]].prepare()

    async def aclose(self) -> None:
        for lines in self._lines.values():
            lines.close()

    def listen(self, audio: AudioFormat) -> Recognition:
        return self.follow(Reel(audio))

    def follow(self, reel: Reel) -> Recognition:
        """Open a recognition for one call, which hears what comes onto a reel of a format that this takes."""
        audio, final_wait_s = reel.audio, self.options.final_wait_ms / 1000
        return Recogniser(reel, partial(self.dialect, audio), self._lines[audio].open, final_wait_s)

    def url(self, audio: AudioFormat) -> str:
        """Where a session is opened; raise ``ConfigError`` for an origin that is none."""
        path, query = self.target(audio)
        return websocket_url(self.options.url or self.vendor_url, path, query)

    async def _dial(self, audio: AudioFormat) -> WebSocket:
        return await connect(
            self.url(audio),
            headers=self.headers(),
            ssl=client_context(),
            timeout_s=CONNECT_LIMIT_S,
            limits=_LIMITS,
        )
