"""A walk the way of a call: number, application, answer URL, signature, stream. A verdict at each step.

The server is asked as Plivo would ask it, at the address that Plivo is given, so what stands between is tried too. The
call that it is asked about does not exist, and is taken back at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from time import perf_counter
from typing import TypeVar
from urllib.parse import urlsplit
from uuid import uuid4
from xml.etree import ElementTree

import aiohttp

from mediasrv.carriers.account import Account, Application
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo_account import PlivoAccount
from mediasrv.carriers.plivo_rest import PlivoApi
from mediasrv.errors import CarrierError
from mediasrv.net.tls import client_context
from mediasrv.net.websocket import HandshakeError, connect
from mediasrv.wire.signature import sign_v3

T = TypeVar("T")

LIMIT_S = 10.0
SLOW_MS = 2000
"""Plivo waits for 15 s, and the caller with it; an answer that takes longer than this is said to be slow."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a step."""

    step: str
    ok: bool
    words: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'} {self.step}: {self.words}"


class _Stop(Exception):
    """There is no way on from here."""

    def __init__(self, step: str, words: str) -> None:
        super().__init__(words)
        self.verdict = Verdict(step, False, words)


class Walk:
    """One number's."""

    def __init__(self, options: PlivoOptions, public_url: str) -> None:
        """Raise ``ConfigError`` where the account is not known."""
        self._options = options
        self._public_url = public_url
        self._api = PlivoApi(options)
        self._account = PlivoAccount(self._api)
        self._call_id = f"check-{uuid4()}"

    async def take(self, number: str) -> AsyncIterator[Verdict]:
        """The verdicts, as they come; the last one is the first that is not good."""
        timeout = aiohttp.ClientTimeout(total=LIMIT_S)
        connector = aiohttp.TCPConnector(ssl=client_context())
        try:
            async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
                async for verdict in self._steps(session, number):
                    yield verdict
        except _Stop as stop:
            yield stop.verdict
        finally:
            await self._api.aclose()

    async def _steps(self, session: aiohttp.ClientSession, number: str) -> AsyncIterator[Verdict]:
        app_id = await self._asked("number", self._account.application_of(number))
        if not app_id:
            raise _Stop("number", f"{number} belongs to no application: mediasrv wire {number}")
        yield Verdict("number", True, f"{number} belongs to application {app_id}")
        application = await self._asked("application", self._account.application(app_id))
        yield self._judge(application)
        yield await self._ask_unsigned(session, application)
        document, took_ms = await self._ask(session, application)
        words = f"a stream is opened after {took_ms:.0f} ms"
        yield Verdict("answer", took_ms <= SLOW_MS, words if took_ms <= SLOW_MS else f"{words}: that is too slow")
        try:
            yield await self._connect(document)
        finally:
            if application.hangup_url:
                await self._post(session, application.hangup_url, {"Event": "Hangup", "CallStatus": "completed"})

    async def _asked(self, step: str, question: Awaitable[T]) -> T:
        try:
            return await question
        except CarrierError as error:
            raise _Stop(step, "there is no such one in this account" if error.status == 404 else str(error)) from None

    def _judge(self, application: Application) -> Verdict:
        """Whether an application leads here."""
        ours = urlsplit(application.answer_url)
        if f"{ours.scheme}://{ours.netloc}" != self._public_url or ours.path != "/plivo/answer":
            raise _Stop("application", f"its answer URL is {application.answer_url or 'not set'}, which is not here")
        if not application.hangup_url:
            return Verdict("application", False, "it has no hangup URL, so the answer URL is asked again at the end")
        return Verdict("application", True, f"{application.name or application.id}, answered by this server")

    async def _ask_unsigned(self, session: aiohttp.ClientSession, application: Application) -> Verdict:
        if not self._options.verify_signatures:
            return Verdict("signature", False, "plivo.verify_signatures is off: anybody may open a stream")
        status, _ = await self._post(session, application.answer_url, {"Event": "StartApp"}, is_signed=False)
        if status != 403:
            return Verdict("signature", False, f"a request that Plivo did not sign is answered by HTTP {status}")
        return Verdict("signature", True, "a request that Plivo did not sign is refused")

    async def _ask(self, session: aiohttp.ClientSession, application: Application) -> tuple[str, float]:
        begun = perf_counter()
        status, document = await self._post(session, application.answer_url, {"Event": "StartApp"})
        took_ms = (perf_counter() - begun) * 1000
        if status == 403:
            raise _Stop("answer", "our own signature is refused: server.public_url, or a proxy, changes the URL")
        if status != 200:
            raise _Stop("answer", f"HTTP {status}")
        return document, took_ms

    async def _connect(self, document: str) -> Verdict:
        """Open the stream that the document names."""
        try:
            stream = ElementTree.fromstring(document).find("Stream")
        except ElementTree.ParseError:
            raise _Stop("stream", "the answer is no XML") from None
        if stream is None or not stream.text:
            raise _Stop("stream", "the answer opens none: the server is full, or stops")
        url, begun = stream.text, perf_counter()
        ssl = client_context() if url.startswith("wss:") else None
        try:
            async with asyncio.timeout(LIMIT_S):
                websocket = await connect(url, headers=self._signed("GET", url, {}), ssl=ssl)
        except (HandshakeError, OSError) as error:
            raise _Stop("stream", f"it cannot be opened: {error or 'nobody answers'}") from None
        websocket.abort()
        return Verdict("stream", True, f"open after {(perf_counter() - begun) * 1000:.0f} ms")

    async def _post(
        self, session: aiohttp.ClientSession, url: str, fields: dict[str, str], *, is_signed: bool = True
    ) -> tuple[int, str]:
        form = {"CallUUID": self._call_id, "Direction": "inbound", "CallStatus": "in-progress", **fields}
        headers = self._signed("POST", url, form) if is_signed else {}
        try:
            async with session.post(url, data=form, headers=headers) as response:
                return response.status, await response.text()
        except (aiohttp.ClientError, OSError) as error:
            raise _Stop("answer", f"{url} cannot be reached: {type(error).__name__}") from None

    def _signed(self, method: str, url: str, form: dict[str, str]) -> dict[str, str]:
        nonce = str(uuid4().int)
        signature = sign_v3(self._options.auth_token, method, url, nonce, form)
        return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}


async def look(account: Account, carrier: str, number: str, public_url: str) -> Verdict:
    """Whether a number leads here, at a carrier whose way is not walked to its end: what stands in its account."""
    try:
        app_id = await account.application_of(number)
        application = await account.application(app_id) if app_id else None
    except CarrierError as error:
        return Verdict("number", False, "there is no such one in this account" if error.status == 404 else str(error))
    wire = f"mediasrv wire {number} --carrier {carrier}"
    if application is None or not application.answer_url:
        return Verdict("number", False, f"{number} is answered by no URL: {wire}")
    ours = urlsplit(application.answer_url)
    if f"{ours.scheme}://{ours.netloc}" != public_url or not ours.path.startswith(f"/{carrier}/"):
        return Verdict("number", False, f"{number} is answered by {application.answer_url}, which is not here: {wire}")
    return Verdict("number", True, f"{number} is answered by {application.answer_url}")
