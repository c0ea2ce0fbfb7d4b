"""What all language models behind HTTP share: a POST is answered by a stream of events.

An adapter says what is asked and how, and reads the answer with an ``Answer``, which knows no socket. The connection is
kept between turns when an answer was read to its end; one that is given up is closed at once, at which vendors stop
generating. A kept connection may have been closed by the vendor just when it is wanted again, so a request whose
connection broke before any answer is made once more: it changes nothing at the vendor (RFC 9110 section 9.2.2).
"""

from __future__ import annotations

import asyncio
import json
import logging
from abc import abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any, ClassVar

import aiohttp
import orjson

from mediasrv.errors import ProviderError, RemoteProtocolError
from mediasrv.net.origin import Query, http_url, rooted
from mediasrv.net.sse import EventReader
from mediasrv.providers.alternation import OPENING
from mediasrv.providers.answer import STAGE, Answer, reported
from mediasrv.providers.base import Delta, Llm, Message, ToolSpec
from mediasrv.providers.loosejson import parse_object
from mediasrv.providers.sunset import warn_of_sunset
from mediasrv.providers.vendor import CONNECT_LIMIT_S, VendorOptions, http_session, keep_open, refusal, require_key
from mediasrv.providers.vigil import Vigil

# Far beyond any pause of a model that is going to answer: whoever wants to wait less gives up by cancelling.
READ_LIMIT_S = 30.0
# The server starts meanwhile, and can do without.
WARM_LIMIT_S = 10.0

# Its own limit for reading would set a timer for every token.
_LIMITS = aiohttp.ClientTimeout(connect=CONNECT_LIMIT_S, sock_connect=CONNECT_LIMIT_S)
# The end of the body follows the last event in the same packet, or in the next one.
_LAST_BYTES_LIMIT_S = 0.02
_ERROR_BYTES = 16 * 1024
# How a connection that was closed at the other end shows itself.
_STALE = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, aiohttp.ClientConnectionResetError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class LlmOptions(VendorOptions):
    """Keys that every language model behind HTTP takes."""

    temperature: float = -1.0
    """0 always answers alike; below 0: as the model is set up."""
    max_tokens: int = 0
    """Longest reply; a word is about 1.3 tokens. 0: as the model is set up."""
    service_tier: str = ""
    """The vendor's word for faster or cheaper service; empty: the account's usual one."""
    warm_prompt: bool = False
    """Ask when the server starts, and hang up at the first word: for servers that keep what they have read."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Put into the body of every request as it is."""


class HttpLlm(Llm):
    """A language model behind HTTP; one pool of connections for all calls."""

    vendor_url: ClassVar[str]
    """The vendor's own, with the version of its interface as the path."""
    runs_ahead = True
    options: Any

    def __init__(self, options: Any) -> None:
        super().__init__(options)
        self._session: aiohttp.ClientSession | None = None

    @abstractmethod
    def target(self) -> tuple[str, Query]:
        """Path below the version, and parameters."""

    @abstractmethod
    def headers(self) -> Mapping[str, str]:
        """What a request carries besides, the key among it."""

    @abstractmethod
    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> dict[str, Any]:
        """What is asked."""

    @abstractmethod
    def answer(self) -> Answer:
        """Reads the next answer."""

    def check(self) -> None:
        """Raise ``ConfigError`` for options that cannot work."""
        require_key(self.options, STAGE, self.name)

    @cached_property
    def url(self) -> str:
        """Where it is asked; raise ``ConfigError`` for an origin that is none."""
        path, query = self.target()
        return http_url(rooted(self.options.url, self.vendor_url), path, query)

    async def start(self) -> None:
        self.check()
        _ = self.url
        warn_of_sunset(self.options.model, date.today())
        self._session = http_session()

    async def prepare(self) -> None:
        await keep_open(self._session, self.url)

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def warm(self, messages: Sequence[Message]) -> None:
        """Have the vendor read the instructions, where that is wanted, and a connection open."""
        if not self.options.warm_prompt:
            await self.prepare()
            return
        try:
            async with asyncio.timeout(WARM_LIMIT_S):
                await self.warm_prompt(messages)
        except (ProviderError, TimeoutError) as error:
            log.warning("model is not warm", extra={"provider": self.name, "error": str(error) or "timed out"})

    async def warm_prompt(self, messages: Sequence[Message]) -> None:
        """Have the vendor read the instructions."""
        async with aclosing(self.reply([*messages, Message("user", OPENING)])) as deltas:
            async for _ in deltas:
                return

    async def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> AsyncGenerator[Delta]:
        answer, reader, vigil = self.answer(), EventReader(), Vigil(READ_LIMIT_S)
        response: aiohttp.ClientResponse | None = None
        try:
            response = await self.post(self.body(messages, tools), vigil)
            while not answer.is_over:
                data = await vigil.wait(response.content.readany())
                for delta in answer.read_all(reader.receive(data) if data else reader.finish()):
                    yield delta
                if not data:
                    break
            for delta in answer.finish():
                yield delta
            await _read_last_bytes(response, vigil)
        except (aiohttp.ClientError, OSError, RemoteProtocolError) as error:
            raise answer.failure(f"broke off ({type(error).__name__})", retryable=True) from error
        finally:
            vigil.end()
            if response is not None:
                response.close()

    async def post(self, body: Mapping[str, Any], vigil: Vigil) -> aiohttp.ClientResponse:
        """Ask; the answer's status is 200 and its body is still to be read. Close it in any case."""
        is_last = False
        while True:
            try:
                response = await vigil.wait(self._post(body))
                break
            except (aiohttp.ClientError, OSError) as error:
                if is_last or isinstance(error, aiohttp.ClientConnectorError) or not isinstance(error, _STALE):
                    raise refusal(STAGE, self.name, 0, f"({type(error).__name__})") from error
                is_last = True
        if response.status != 200:
            raise await self._refusal(response)
        return response

    async def _post(self, body: Mapping[str, Any]) -> aiohttp.ClientResponse:
        return await self._open_session().post(
            self.url,
            data=_encode(body),
            headers=self._head,
            allow_redirects=False,
            timeout=_LIMITS,
        )

    @cached_property
    def _head(self) -> Mapping[str, str]:
        # Compressed, events would wait in the vendor's compressor for more of them.
        common = {"Content-Type": "application/json", "Accept": "text/event-stream", "Accept-Encoding": "identity"}
        return {**common, **self.headers()}

    async def _refusal(self, response: aiohttp.ClientResponse) -> ProviderError:
        found = parse_object(await read_some(response))
        return reported(self.name, found or {}, response.status, response.headers.get("Retry-After", ""))

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            raise ProviderError("it is not running", stage=STAGE, provider=self.name, retryable=False)
        return self._session


async def _read_last_bytes(response: aiohttp.ClientResponse, vigil: Vigil) -> None:
    """Without the end of the body, the connection cannot be kept."""
    if response.content.at_eof():
        return
    vigil.limit_s = _LAST_BYTES_LIMIT_S
    with suppress(aiohttp.ClientError, OSError):
        await vigil.wait(response.content.readany())


async def read_some(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of a body, as much as comes, and close it."""
    data = b""
    try:
        async with asyncio.timeout(READ_LIMIT_S):
            while len(data) < _ERROR_BYTES and (more := await response.content.read(_ERROR_BYTES)):
                data += more
    except (aiohttp.ClientError, OSError):
        pass  # The status has told enough.
    finally:
        response.close()
    return data


def _encode(body: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # Lone surrogates, which a tool may return.
        return json.dumps(body, ensure_ascii=False).encode(errors="replace")
