"""Repeated deliveries: a carrier that missed our answer sends its request again, and gets the same answer once more.

A request is the same where its method, its address, its signatures and its body are. For as long as carriers try, the
answer to a signed one is kept, and whoever brings the same request gets it without anything being done anew; while the
first is still being answered, the second waits for that. What could not be proven, or failed, is not kept. A carrier
that signs nothing, and one that signs each delivery anew, is none of this desk's business.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256

from aiohttp import web
from aiohttp.typedefs import Middleware

from mediasrv.carriers.base import Carrier
from mediasrv.server.webhooks import read_request

log = logging.getLogger(__name__)

LIFE_S = 60.0
"""How long an answer is kept: Plivo and Twilio give up within this, and the stream token in it lives twice as long."""
MOST = 4096
"""How many answers are kept; the oldest goes where there are more."""

_FORBIDDEN = 403
_Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a carrier was told."""

    status: int
    body: bytes
    content_type: str

    def response(self) -> web.Response:
        """The same once more."""
        return web.Response(status=self.status, body=self.body, content_type=self.content_type, charset="utf-8")


class Repeats:
    """The answers of one server."""

    def __init__(self, carriers: Iterable[Carrier], life_s: float = LIFE_S, most: int = MOST) -> None:
        self._proofs = {each.name: each.proof for each in carriers if each.proof}
        self._life_s = life_s
        self._most = most
        self._kept: OrderedDict[bytes, tuple[float, asyncio.Future[_Answer | None]]] = OrderedDict()

    @property
    def middleware(self) -> Middleware:
        """What every request passes."""

        @web.middleware
        async def answer_once(request: web.Request, handler: _Work) -> web.StreamResponse:
            name = await self._name(request)
            return await self._once(name, request, handler) if name else await handler(request)

        return answer_once

    async def _name(self, request: web.Request) -> bytes:
        """What only the same request has; empty for one that is not signed."""
        proof = self._proofs.get(request.path.strip("/").partition("/")[0])
        if proof is None:
            return b""
        proofs = [f"{name}: {value}" for name, value in request.headers.items() if name.lower().startswith(proof)]
        if not proofs:
            return b""
        head = "\n".join([request.method, request.raw_path, *sorted(proofs), ""])
        return sha256(head.encode("utf-8", "surrogatepass") + await read_request(request)).digest()

    async def _once(self, name: bytes, request: web.Request, handler: _Work) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        self._forget(loop.time())
        if name in self._kept and (known := await asyncio.shield(self._kept[name][1])) is not None:
            log.info("webhook came again", extra={"path": request.path})
            return known.response()
        future: asyncio.Future[_Answer | None] = loop.create_future()
        self._kept[name] = loop.time() + self._life_s, future
        answer: _Answer | None = None
        try:
            response = await handler(request)
            answer = _answer_in(response)
            return response
        except web.HTTPException as refusal:
            answer = _answer_in(refusal)
            raise
        finally:
            future.set_result(answer)
            if answer is None:
                self._kept.pop(name, None)

    def _forget(self, now: float) -> None:
        """Answers are kept in the order in which they are forgotten."""
        while self._kept and (len(self._kept) >= self._most or next(iter(self._kept.values()))[0] <= now):
            self._kept.popitem(last=False)


def _answer_in(response: web.StreamResponse) -> _Answer | None:
    """What can be told again; nothing where the request was not proven, or we failed."""
    if response.status == _FORBIDDEN or response.status >= 500 or not isinstance(response, web.Response):
        return None
    body = response.body
    return _Answer(response.status, body, response.content_type) if isinstance(body, bytes) else None
