"""Do-not-call lists: a file, a service that is asked over HTTP, or both.

The service gets ``POST`` with ``{"number": "+91…"}`` and answers 200 with ``{"listed": true}`` or with ``false``.
Anything else, and no answer in time, means that nobody knows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Set
from pathlib import Path

import aiohttp
import orjson

from mediasrv.errors import ConfigError
from mediasrv.net.origin import http_url
from mediasrv.net.tls import client_context
from mediasrv.outbound.files import Kept, read_numbers
from mediasrv.outbound.options import ComplianceOptions
from mediasrv.outbound.rules import Listing

log = logging.getLogger(__name__)

_ANSWER_BYTES = 4096


class DoNotCall:
    """The lists that an operator has named."""

    def __init__(self, options: ComplianceOptions) -> None:
        """Raise ``ConfigError`` for a URL that is none."""
        self._url = options.do_not_call_url
        if self._url:
            http_url(self._url, "")
        self._timeout_s = options.do_not_call_timeout_s
        path = options.do_not_call_file
        self._file: Kept[Set[str]] | None = Kept(Path(path), read_numbers) if path else None
        self._session: aiohttp.ClientSession | None = None
        self._tls = client_context()

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def ask(self, number: str) -> Listing:
        """What is known of a number; takes as long as the service may take."""
        if self._file is None and not self._url:
            return Listing.NO_LIST
        try:
            if self._file is not None and number in await self._file.content():
                return Listing.LISTED
            return await self._ask_service(number) if self._url else Listing.CLEAR
        except (ConfigError, aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            log.warning("do-not-call list cannot be asked", extra={"error": type(error).__name__})
            return Listing.UNKNOWN

    async def _ask_service(self, number: str) -> Listing:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls))
        async with (
            asyncio.timeout(self._timeout_s),
            self._session.post(self._url, json={"number": number}, allow_redirects=False) as response,
        ):
            content = await response.content.read(_ANSWER_BYTES)
            answer = orjson.loads(content) if response.status == 200 else None
        match answer:
            case {"listed": bool(listed)}:
                return Listing.LISTED if listed else Listing.CLEAR
        raise ValueError("expected 200 and a truth")
