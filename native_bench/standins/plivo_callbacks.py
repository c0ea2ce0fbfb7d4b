"""What the stand-in of Plivo fetches from a server and tells it: signed as the ``plivo`` package signs.

Documents are fetched once. Callbacks, to which no document is expected, may have misfortunes: they come twice, late and
so out of order, or never.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit
from uuid import uuid4

import aiohttp
from plivo.utils import signature_v3

FETCH_LIMIT_S = 15.0
"""Plivo waits no longer for a document."""


@dataclass(frozen=True, slots=True)
class Misfortunes:
    """Shares of callbacks that have one, from 0 to 1."""

    doubled: float = 0.0
    late: float = 0.0
    lost: float = 0.0
    seed: int = 0


def signature_headers(token: str, method: str, url: str, form: Mapping[str, str]) -> dict[str, str]:
    """The headers of a request as Plivo signs it, by its own package."""
    nonce = str(uuid4().int % 10**20)
    if method == "GET":
        signed = signature_v3.construct_get_url(url, dict(form))
    else:
        signed = signature_v3.construct_post_url(url, dict(form))
    signature = signature_v3.get_signature_v3(token, bytes(signed).decode(), nonce).decode()
    return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}


class Callbacks:
    """Plivo's HTTP client."""

    def __init__(self, token: str, misfortunes: Misfortunes) -> None:
        self.told: list[tuple[str, dict[str, str], int]] = []
        """Path, fields and the answer's status of all that was told or asked, in the order of the answers."""
        self._token = token
        self._misfortunes = misfortunes
        self._random = random.Random(misfortunes.seed)
        self._session: aiohttp.ClientSession | None = None
        self._on_their_way: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Forget what is on its way."""
        for task in self._on_their_way:
            task.cancel()
        await asyncio.gather(*self._on_their_way, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def fetch(self, url: str, fields: Mapping[str, str], method: str = "POST") -> tuple[int, str]:
        """Ask for a document: status and body; 0 where nobody is there."""
        url = url.partition("#")[0]
        try:
            return await self._send(url, fields, method)
        except (aiohttp.ClientError, OSError):
            self.told.append((urlsplit(url).path, dict(fields), 0))
            return 0, ""

    async def _send(self, url: str, fields: Mapping[str, str], method: str) -> tuple[int, str]:
        headers = signature_headers(self._token, method, url, fields)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=FETCH_LIMIT_S))
        sent = (
            {"data": dict(fields)}
            if method == "POST"
            else {"params": [*parse_qsl(urlsplit(url).query), *fields.items()]}
        )
        address = url if method == "POST" else url.partition("?")[0]
        async with self._session.request(method, address, headers=headers, **sent) as response:
            text = await response.text()
        self.told.append((urlsplit(url).path, dict(fields), response.status))
        return response.status, text

    def tell(self, url: str, fields: Mapping[str, str], method: str = "POST") -> None:
        """Tell something, which nobody waits for."""
        if not url:
            return
        bad = self._misfortunes
        if self._random.random() < bad.lost:
            return
        for _ in range(2 if self._random.random() < bad.doubled else 1):
            delay_s = self._random.uniform(0.02, 0.2) if self._random.random() < bad.late else 0.0
            task = asyncio.create_task(self._tell(url, dict(fields), method, delay_s))
            self._on_their_way.add(task)
            task.add_done_callback(self._on_their_way.discard)

    async def _tell(self, url: str, fields: dict[str, str], method: str, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        await self.fetch(url, fields, method)

    async def settle(self) -> None:
        """Wait until all that was told has arrived."""
        while self._on_their_way:
            await asyncio.wait(self._on_their_way)
