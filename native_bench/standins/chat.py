"""What the stand-ins of language models share: a POST is read strictly and answered by a stream of events.

The model says its ``text`` a word at a time; when it is offered tools, it first makes its ``calls``, and speaks when
it has their results. Faults besides those of every stand-in, all behind ``after`` events: ``error`` (the vendor's
report of one, of kind ``reason``), ``cut`` (the body ends as if nothing was missing), ``oversize`` (an event of two
megabytes). The time to the first word is ``first_ms``; with ``first_p99_ms`` it is drawn from a log-normal distribution
with that median and 99th percentile.
"""

from __future__ import annotations

import asyncio
import math
import random
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import orjson
from aiohttp import web

from native_bench.standins.base import Fault, Refused, Standin, tear

TEXT = "Your order left Pune this morning. It will be with you before six."
# Of the standard normal distribution.
_P99_SIGMA = 2.3263
_POLL_S = 0.005
KEPT_BODIES = 100
"""More would cost the garbage collector, in an hour under load, pauses that callers hear."""

Call = tuple[str, str]
"""Name of a tool, and arguments as JSON text."""


class ChatStandin(Standin):
    """A language model's server."""

    path: ClassVar[str]

    def __init__(
        self,
        *,
        faults: Sequence[Fault] = (),
        port: int = 0,
        text: str = TEXT,
        calls: Sequence[Call] = (),
        finish: str = "",
        first_ms: float = 0.0,
        first_p99_ms: float = 0.0,
        token_ms: float = 0.0,
        seed: int = 0,
    ) -> None:
        """``finish``: why the model stops, in the vendor's words; empty: because it is done."""
        super().__init__(faults=faults, port=port)
        self.text, self.calls, self.finish = text, calls, finish
        self._first_s, self._token_s = first_ms / 1000, token_ms / 1000
        self._spread = math.log(first_p99_ms / first_ms) / _P99_SIGMA if first_p99_ms and first_ms else 0.0
        self._random = random.Random(seed)
        self.bodies: list[dict[str, Any]] = []
        """What was asked last, well or badly."""
        self.given_up = 0
        """Answers whose client went away before their end."""
        self.sent: list[int] = []
        """Events that were sent of each answer."""
        self.clients: set[object] = set()
        """Addresses that requests came from: one for each connection."""

    @abstractmethod
    def admit(self, request: web.Request, body: Mapping[str, Any]) -> None:
        """Look at credentials and body; raise ``Refused`` (see ``require``) for what does not fit."""

    @abstractmethod
    def events(self, body: Mapping[str, Any]) -> Iterable[bytes]:
        """The answer."""

    @abstractmethod
    def error(self, status: int, kind: str) -> Mapping[str, Any]:
        """The vendor's report of an error."""

    @abstractmethod
    def error_event(self, kind: str) -> bytes:
        """The same in the middle of an answer."""

    def routes(self) -> Iterable[web.RouteDef]:
        return [web.post(self.path, self._answer)]

    def ledger(self) -> dict[str, Any]:
        return {**super().ledger(), "sent": self.sent, "given_up": self.given_up}

    def refusal(self, refused: Refused) -> web.Response:
        self.complain(str(refused))
        return web.json_response(self.error(refused.status, "invalid_request_error"), status=refused.status)

    async def befall(self, request: web.Request, fault: Fault) -> web.Response | None:
        if fault.kind != "refuse":
            return await super().befall(request, fault)
        retry = {"Retry-After": f"{fault.delay_s:g}"} if fault.delay_s else {}
        return web.json_response(self.error(fault.status, fault.reason), status=fault.status, headers=retry)

    async def whole(self, body: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The answer to a request that asks for no stream; ``None`` for one that does."""
        return None

    def first_wait_s(self) -> float:
        """How long the next answer's first word takes."""
        return self._first_s * math.exp(self._random.gauss(0.0, 1.0) * self._spread)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        fault = self.next_fault()
        if request.transport is not None:
            self.clients.add(request.transport.get_extra_info("peername"))
        data = await request.read()
        response = await self.befall(request, fault)
        if response is not None:
            return response
        try:
            body = _object(data)
            self.bodies.append(body)
            del self.bodies[:-KEPT_BODIES]
            self.admit(request, body)
        except Refused as refused:
            return self.refusal(refused)
        self.live += 1
        try:
            whole = await self.whole(body)
            return await self._stream(request, fault, body) if whole is None else web.json_response(whole)
        finally:
            self.live -= 1

    async def _stream(self, request: web.Request, fault: Fault, body: Mapping[str, Any]) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        wait_s = self.first_wait_s()
        number = len(self.sent)
        self.sent.append(0)
        for index, event in enumerate(self.events(body)):
            if not await self._passes(request, wait_s):
                return response
            if fault.kind and index == fault.after and not await self._strike(request, response, fault):
                return response
            try:
                await response.write(event)
                self.sent[number] += 1
            except ConnectionResetError:
                self.given_up += 1
                return response
            wait_s = self._token_s
        return response

    async def _passes(self, request: web.Request, seconds: float) -> bool:
        """Let time pass; whether the client is still there then."""
        now = asyncio.get_running_loop().time
        until = now() + seconds
        while request.transport is not None and not request.transport.is_closing():
            left = until - now()
            if left <= 0:
                return True
            await asyncio.sleep(min(left, _POLL_S))
        self.given_up += 1
        return False

    async def _strike(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> bool:
        """Play a fault in mid-stream; whether the answer goes on."""
        match fault.kind:
            case "reset":
                tear(request)
            case "hang":
                await self._passes(request, math.inf)
            case "error":
                await response.write(self.error_event(fault.reason))
            case "garbage":
                await response.write(b"data: \x00 no JSON {\n\n")
            case "oversize":
                await response.write(b"data: " + b"x" * 2_000_000 + b"\n\n")
        return fault.kind not in ("reset", "hang", "cut")


def bearer(request: web.Request) -> str:
    """A request's bearer token; empty when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme == "Bearer" else ""


def sse(data: Mapping[str, Any], name: str = "") -> bytes:
    """An event as it is written."""
    head = f"event: {name}\n".encode() if name else b""
    return head + b"data: " + orjson.dumps(data) + b"\n\n"


def words(text: str) -> list[str]:
    """The text in pieces, spaces before the words as models write them."""
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)] if text else []


def halves(text: str) -> tuple[str, str]:
    """Arguments in two pieces."""
    return text[: len(text) // 2], text[len(text) // 2 :]


def _object(data: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Refused(400, "the body is no JSON") from None
    if not isinstance(body, dict):
        raise Refused(400, "the body is no object")
    return body
