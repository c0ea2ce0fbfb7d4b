"""A turn detector of one's own behind HTTP: a model that was trained for it, wherever it runs.

It is sent what the caller has said, as text and as audio, and answers with a number::

    POST {"text": "I would like to", "audio": "UklGR…", "history": [{"role": "assistant", "text": "…"}]}
    200  {"probability": 0.04}

``audio`` is a WAV file in base64: 16 bits, mono, 16 kHz, 8 s at most. A connection is kept, and one that was closed
while nobody used it is replaced.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from mediasrv.audio import codec
from mediasrv.audio.format import AudioFormat, Encoding
from mediasrv.audio.wav import wav
from mediasrv.errors import ProviderError
from mediasrv.net.origin import http_url
from mediasrv.providers.base import PAUSE_RATE_HZ, Pause, TurnDetector
from mediasrv.providers.loosejson import parse
from mediasrv.providers.vendor import http_session, keep_open, refusal

_STAGE = "detector"
_AUDIO = AudioFormat(Encoding.L16, PAUSE_RATE_HZ)
_ANSWER_BYTES = 64 * 1024
# How a kept connection that the server has closed in the meantime shows itself.
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


class HttpDetector(TurnDetector):
    """One server, asked by all calls over one pool of connections."""

    name = "http"

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Options:
        """Keys of ``provider = "http"``."""

        url: str
        """Where it is asked, with the path."""
        api_key: str = field(default="", repr=False)
        """Sent as a bearer token; empty: none."""
        audio: bool = True
        """Whether it is sent audio; one that reads only is not."""

    options: Options

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._session: aiohttp.ClientSession | None = None

    @property
    def url(self) -> str:
        """Where it is asked; raise ``ConfigError`` for what is no URL."""
        return http_url(self.options.url, "")

    async def start(self) -> None:
        _ = self.url
        self._session = http_session()

    async def prepare(self) -> None:
        await keep_open(self._session, self.url)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def judge(self, pause: Pause) -> float:
        body = self._body(pause)
        try:
            try:
                return await self._post(body)
            except _STALE as error:
                if isinstance(error, aiohttp.ClientConnectorError):
                    raise
                return await self._post(body)
        except (aiohttp.ClientError, OSError) as error:
            raise refusal(_STAGE, self.name, 0, f"({type(error).__name__})") from error

    def _body(self, pause: Pause) -> bytes:
        body: dict[str, Any] = {
            "text": pause.text,
            "history": [{"role": each.role, "text": each.text} for each in pause.history if each.text],
        }
        if self.options.audio:
            body["audio"] = b64encode(wav(_AUDIO, codec.encode(_AUDIO.encoding, pause.samples))).decode()
        return orjson.dumps(body)

    async def _post(self, body: bytes) -> float:
        async with self._open_session().post(
            self.url, data=body, headers=self._headers(), allow_redirects=False
        ) as response:
            answer = parse(await response.content.read(_ANSWER_BYTES))
            if response.status != 200:
                raise refusal(_STAGE, self.name, response.status)
            probability = answer.get("probability")
            if isinstance(probability, bool) or not isinstance(probability, int | float) or not 0 <= probability <= 1:
                raise ProviderError("answered no probability", stage=_STAGE, provider=self.name, retryable=True)
            return float(probability)

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            raise ProviderError("it is not running", stage=_STAGE, provider=self.name, retryable=False)
        return self._session

    def _headers(self) -> Mapping[str, str]:
        key = self.options.api_key
        return {"Content-Type": "application/json", **({"Authorization": f"Bearer {key}"} if key else {})}
