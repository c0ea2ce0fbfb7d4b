"""Plivo, as far as a fleet has to do with it: it signs, asks for documents, obeys them, and carries streams.

It obeys what its pages say of an answer document: a stream that keeps the call alive runs alone and what stands behind
it follows when it is over, a stream that cannot be opened is tried twice more, and at the end of a document the call
ends.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit
from xml.etree import ElementTree

import aiohttp

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import RemoteProtocolError
from mediasrv.wire.events import PlayMedia
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from mediasrv.wire.signature import sign_v3

TOKEN = "test_token_0123456789"
TRIES = 3
TRY_AGAIN_S = 0.1
ANSWER_WITHIN_S = 15.0
"""Plivo's, of a document."""
_NUMBERS = {"From": "919812345678", "To": "912266001234", "Direction": "inbound"}


class Plivo:
    """One account, whose requests all go to one address, wherever their URLs say."""

    def __init__(self, session: aiohttp.ClientSession, address: str, fleet: str) -> None:
        """``address`` is host and port; ``fleet`` the origin that webhooks go to."""
        self.session, self.address, self.fleet = session, address, fleet
        self._nonces = itertools.count()

    def headers(self, method: str, url: str, form: Mapping[str, str] | None = None) -> dict[str, str]:
        """Those of a request, signed."""
        nonce = f"{id(self)}-{next(self._nonces)}"
        signature = sign_v3(TOKEN, method, url, nonce, {name: [value] for name, value in (form or {}).items()})
        return {
            "Host": urlsplit(url).netloc,
            "X-Plivo-Signature-V3": signature,
            "X-Plivo-Signature-V3-Nonce": nonce,
        }

    async def post(self, url: str, call_id: str, *, at: str = "", **more: str) -> tuple[int, str]:
        """Send a webhook, at another address if it shall land on a certain server."""
        form = {"CallUUID": call_id, **_NUMBERS, **more}
        parts = urlsplit(url)
        path = parts._replace(scheme="", netloc="").geturl()
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        where = f"http://{at or self.address}{path}"
        headers = self.headers("POST", url, form)
        async with self.session.post(where, data=form, headers=headers, timeout=timeout) as response:
            return response.status, await response.text()

    async def answer(self, call_id: str, at: str = "") -> str:
        """Ask for a call's document."""
        status, document = await self.post(f"{self.fleet}/plivo/answer", call_id, at=at, Event="StartApp")
        assert status == 200, document
        return document

    async def hung_up(self, call_id: str, at: str = "") -> None:
        """Tell that a call is over."""
        await self.post(f"{self.fleet}/plivo/callback/status", call_id, at=at, Event="Hangup", CallStatus="completed")


def node_in(document: str) -> str:
    """Whose stream a document asks for; empty for one that asks for none."""
    found = re.search(r"wss?://(\w+)\.voice\.", document)
    return found[1] if found else ""


class Caller:
    """One call, from its first document to its end."""

    def __init__(self, plivo: Plivo, call_id: str) -> None:
        self.plivo, self.call_id = plivo, call_id
        self.nodes: list[str] = []
        """Whose streams it had."""
        self.heard: list[str] = []
        """What Plivo's own voice said."""
        self.frames = 0
        """Of the bot's voice."""
        self.is_over = asyncio.Event()
        self._stream: aiohttp.ClientWebSocketResponse | None = None
        self._side = PlivoCarrierProtocol()
        self.is_leaving = False
        """Whether he does not wait for what comes after a stream."""
        self._task: asyncio.Task[None] | None = None

    async def dial(self, at: str = "") -> None:
        """Call, and return when the bot is heard or the call is over."""
        self._task = asyncio.create_task(self._live(await self.plivo.answer(self.call_id, at)))
        await self.hears_more(-1)

    async def hears_more(self, than: int | None = None) -> None:
        """Wait until the bot is heard again, or the call is over."""
        frames = self.frames if than is None else max(than, 0)
        while self.frames <= frames and not self.is_over.is_set():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def press(self, digit: str = "1") -> bool:
        """Press a key; whether the bot said something to it."""
        frames = self.frames
        if self._stream is not None:
            await self._stream.send_str(self._side.dtmf(digit, 0))
        await self.hears_more(frames)
        return self.frames > frames

    async def hang_up(self, at: str = "") -> None:
        """End the call."""
        self.is_leaving = True
        if self._stream is not None:
            await self._stream.close()
        await self.plivo.hung_up(self.call_id, at)
        await self.is_over.wait()

    async def _live(self, document: str) -> None:
        try:
            await self._obey(document)
        finally:
            self.is_over.set()

    async def _obey(self, document: str) -> None:
        for element in ElementTree.fromstring(document):
            text = element.text or ""
            if self.is_leaving or element.tag == "Hangup":
                return
            if element.tag == "Speak":
                self.heard.append(text)
            elif element.tag == "Redirect":
                _, document = await self.plivo.post(text, self.call_id)
                await self._obey(document)
                return
            elif element.tag == "Stream":
                await self._open(text)

    async def _open(self, url: str) -> None:
        parts = urlsplit(url)
        signed = self.plivo.headers("GET", f"http{url.removeprefix('ws')}")
        for _ in range(TRIES):
            try:
                where = parts._replace(netloc=self.plivo.address).geturl()
                async with self.plivo.session.ws_connect(where, headers=signed) as stream:
                    self._stream, self._side = stream, PlivoCarrierProtocol()
                    self.nodes.append(parts.netloc.partition(".")[0])
                    await stream.send_str(self._side.start(self.call_id, f"stream of {self.call_id}", MULAW_8K))
                    await self._listen(stream)
                self._stream = None
                return
            except aiohttp.ClientError:
                await asyncio.sleep(TRY_AGAIN_S)

    async def _listen(self, stream: aiohttp.ClientWebSocketResponse) -> None:
        async for message in stream:
            with suppress(RemoteProtocolError):
                self.frames += isinstance(self._side.receive(str(message.data)), PlayMedia)
