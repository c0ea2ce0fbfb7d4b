"""What the REST APIs of all carriers have in common: a request goes out once, and what came of it is told truly.

A request that may have been obeyed without our knowing is ``uncertain``: it broke off, or was answered with a 5xx,
after it was on its way. A POST of that kind is never sent again, for it may have placed a call. What is known not to
have been obeyed (no connection, 429) is sent again here, a few times and with longer and longer pauses, and so is what
does no harm when it is obeyed twice (GET and DELETE: RFC 9110 section 9.2.2).
"""

from __future__ import annotations

import asyncio
import random
from base64 import b64encode
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson

from mediasrv.carriers.bucket import Rate, TokenBucket
from mediasrv.errors import CarrierError
from mediasrv.net.origin import Query, http_url
from mediasrv.net.tls import client_context

GONE = 404
"""What a carrier answers about a call that is over, and anything else that does not exist."""
ATTEMPTS = 3
"""How often a request is sent that may be sent again."""
_FIRST_PAUSE_S = 0.2
# Who is told to come back later than this is told so by an error: a call is waiting.
_LONGEST_PAUSE_S = 3.0
_BUSY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class RestLimits:
    """How long and how much a carrier may keep us waiting."""

    connect_s: float = 3.0
    total_s: float = 10.0
    answer_bytes: int = 1024 * 1024
    # A kept connection that the carrier closes just when a POST is on its way leaves open what came of it.
    keep_alive_s: float = 10.0


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """What a carrier answered."""

    status: int
    fields: dict[str, Any] = field(default_factory=dict)
    """The JSON object in its body; empty where there was none."""
    retry_after_s: float = 0.0
    """When it wants to be asked again, where it said so."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What is sent, and how often it may be."""

    method: str
    url: str
    body: Mapping[str, Any] = field(default_factory=dict)
    attempts: int = ATTEMPTS
    fine: Collection[int] = ()


def basic_auth(user: str, password: str) -> dict[str, str]:
    """The header of RFC 7617."""
    return {"Authorization": f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"}


class RestClient:
    """One carrier's API for one account; all calls of the process share its connections."""

    def __init__(
        self,
        carrier: str,
        origin: str,
        headers: Mapping[str, str],
        *,
        rate: Rate | None = None,
        limits: RestLimits | None = None,
    ) -> None:
        """``headers`` hold the account's secret; ``rate`` is how often the carrier lets us ask.

        Raise ``ConfigError`` for an origin that is none.
        """
        http_url(origin, "")
        self._carrier = carrier
        self._origin = origin
        self._headers = dict(headers)
        self._bucket = TokenBucket(rate) if rate else None
        self._limits = limits or RestLimits()
        self._session: aiohttp.ClientSession | None = None
        self._tls = client_context()

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def get(self, path: str, query: Query | None = None, *, fine: Collection[int] = ()) -> RestAnswer:
        """Ask; raise ``CarrierError`` for a status of 400 and above that is not ``fine``."""
        return await self._request(_Request("GET", http_url(self._origin, path, query), fine=fine))

    async def delete(self, path: str, *, fine: Collection[int] = (GONE,)) -> RestAnswer:
        """End something, likewise; what is gone already is no error."""
        return await self._request(_Request("DELETE", http_url(self._origin, path), fine=fine))

    async def patch(self, path: str, *, json: Mapping[str, Any]) -> RestAnswer:
        """Set fields, likewise; set twice, they are what they were."""
        body = {"data": orjson.dumps(json), "headers": {"Content-Type": "application/json"}}
        return await self._request(_Request("PATCH", http_url(self._origin, path), body))

    async def post(
        self,
        path: str,
        *,
        json: Mapping[str, Any] | None = None,
        form: Mapping[str, str] | Sequence[tuple[str, str]] | None = None,
        attempts: int = ATTEMPTS,
        fine: Collection[int] = (),
    ) -> RestAnswer:
        """Have something done, by JSON or a form, likewise.

        It is sent again only when it is known that it was not obeyed, and with ``attempts=1`` never.
        """
        if form is not None:
            body: dict[str, Any] = {"data": list(form.items() if isinstance(form, Mapping) else form)}
        else:
            body = {"data": orjson.dumps(json or {}), "headers": {"Content-Type": "application/json"}}
        return await self._request(_Request("POST", http_url(self._origin, path), body, attempts, fine))

    async def _request(self, request: _Request) -> RestAnswer:
        """Send a request as often as it may be."""
        pause_s = _FIRST_PAUSE_S
        for left in reversed(range(request.attempts)):
            try:
                answer = await self._send(request)
                if answer.status < 400 or answer.status in request.fine:
                    return answer
                raise self._refusal(request, answer)
            except CarrierError as error:
                wait_s = max(error.retry_after_s, pause_s * random.uniform(0.5, 1.0))
                if not error.retryable or not left or wait_s > _LONGEST_PAUSE_S:
                    raise
            await asyncio.sleep(wait_s)
            pause_s *= 2
        raise AssertionError("a request is sent at least once")

    async def _send(self, request: _Request) -> RestAnswer:
        """Send a request once; raise ``CarrierError`` when there is no answer."""
        await self._wait_for_token()
        try:
            async with self._open_session().request(
                request.method, request.url, allow_redirects=False, **request.body
            ) as response:
                content = await self._read(response, request)
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            # The request was never written.
            raise self._error(f"cannot be reached ({type(error).__name__})", retryable=True) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._lost(request, f"does not answer ({type(error).__name__})") from None
        return RestAnswer(response.status, _object(content), _seconds(response.headers.get("Retry-After", "")))

    async def _read(self, response: aiohttp.ClientResponse, request: _Request) -> bytes:
        content = bytearray()
        async for piece in response.content.iter_any():
            content += piece
            if len(content) > self._limits.answer_bytes:
                raise self._lost(request, "answers without an end")
        return bytes(content)

    async def _wait_for_token(self) -> None:
        if self._bucket is None:
            return
        wait_s = self._bucket.take(asyncio.get_running_loop().time())
        if wait_s:
            try:
                await asyncio.sleep(wait_s)
            except asyncio.CancelledError:
                self._bucket.give_back()
                raise

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            limits = self._limits
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=limits.keep_alive_s, ssl=self._tls)
            timeout = aiohttp.ClientTimeout(total=limits.total_s, connect=limits.connect_s)
            self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, headers=self._headers)
        return self._session

    def _refusal(self, request: _Request, answer: RestAnswer) -> CarrierError:
        if answer.status >= 500:
            return self._lost(request, f"answers HTTP {answer.status}", answer)
        words = "refuses the account's id or token" if answer.status in (401, 403) else "refuses"
        return self._error(f"{words}, HTTP {answer.status}", answer, retryable=answer.status == _BUSY)

    def _lost(self, request: _Request, words: str, answer: RestAnswer | None = None) -> CarrierError:
        """The request may have been obeyed or not."""
        method = request.method
        return self._error(words, answer, retryable=method != "POST", uncertain=method != "GET")

    def _error(
        self, words: str, answer: RestAnswer | None = None, *, retryable: bool, uncertain: bool = False
    ) -> CarrierError:
        return CarrierError(
            words,
            carrier=self._carrier,
            retryable=retryable,
            uncertain=uncertain,
            status=answer.status if answer else 0,
            retry_after_s=answer.retry_after_s if answer else 0.0,
        )


def _object(content: bytes) -> dict[str, Any]:
    """A JSON object, or nothing: an answer that is none has a status all the same."""
    try:
        fields = orjson.loads(content or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return fields if isinstance(fields, dict) else {}


def _seconds(text: str) -> float:
    """A ``Retry-After`` in seconds (RFC 9110 section 10.2.3); a date, which no carrier sends, counts as none."""
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0.0
