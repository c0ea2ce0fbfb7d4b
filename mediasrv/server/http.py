"""Everything on the port that is no WebSocket, served by aiohttp: how the server is doing, and what its desks serve."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from mediasrv.server.calls import Calls
from mediasrv.server.fleetgate import FleetGate
from mediasrv.server.metrics import CONTENT_TYPE
from mediasrv.server.repeats import Repeats

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
"""Largest body of a request; a webhook has one or two kilobytes."""
_KEEP_ALIVE_S = 75.0
_SHUTDOWN_S = 2.0

# aiohttp logs each body that breaks off, with a stack: the port is open to the world. Our own errors are logged here.
_aiohttp_log = logging.getLogger(f"{__name__}.aiohttp")
_aiohttp_log.setLevel(logging.CRITICAL)

_Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk(Protocol):
    """A part of what is served over HTTP."""

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path."""


class _NoAccessLog(AbstractAccessLogger):
    """Webhooks log what they tell; probes and scrapers come all day."""

    enabled = False

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Nothing."""


class _Connection(web.RequestHandler):
    """aiohttp's, but for what it says of a request that it cannot parse: in one line, and nothing to the log."""

    __slots__ = ("_left",)

    def __init__(self, server: web.Server, left: Callable[[], None], **options: Any) -> None:
        super().__init__(server, **options)
        self._left = left

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._left()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        response = _line("the request cannot be read", status)
        response.force_close()
        return response


class Reception:
    """Answers HTTP requests."""

    def __init__(self, calls: Calls, *desks: Desk, repeats: Repeats, gate: FleetGate | None = None) -> None:
        """``desks`` serve the rest; ``repeats`` answer what comes again; ``gate`` hands on what is for another server
        of a fleet.
        """
        self._calls = calls
        self.answering = 0
        """Requests that have no answer yet."""
        middlewares = [self._count, _last_door, repeats.middleware, *([gate.middleware] if gate else [])]
        app = web.Application(client_max_size=BODY_BYTES, middlewares=middlewares)
        self._gate = gate
        self._closing = asyncio.Lock()
        for desk in desks:
            app.router.add_routes(desk.routes())
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_S)

    async def start(self) -> None:
        """Get ready for connections."""
        await self._runner.setup()
        if self._gate is not None:
            await self._gate.start()

    async def aclose(self) -> None:
        """Finish what is being answered, close all connections; safe to call twice, at once too."""
        async with self._closing:
            await self._runner.cleanup()
        if self._gate is not None:
            await self._gate.aclose()

    def let_go(self) -> None:
        """Close connections that wait for another request, and the others behind their answer."""
        if self._runner.server is not None:
            self._runner.server.pre_shutdown()

    def connection(self, left: Callable[[], None]) -> asyncio.Protocol:
        """The protocol of a new connection; ``left`` is called when it is lost."""
        assert self._runner.server is not None  # start was called
        loop = asyncio.get_running_loop()
        return _Connection(
            self._runner.server,
            left,
            loop=loop,
            keepalive_timeout=_KEEP_ALIVE_S,
            access_log_class=_NoAccessLog,
            auto_decompress=False,  # webhooks come plain, and a bomb would unpack on the loop
            logger=_aiohttp_log,
        )

    @web.middleware
    async def _count(self, request: web.Request, handler: _Work) -> web.StreamResponse:
        self.answering += 1
        try:
            return await handler(request)
        finally:
            self.answering -= 1

    async def _healthz(self, request: web.Request) -> web.Response:
        return _line("alive")

    async def _readyz(self, request: web.Request) -> web.Response:
        refusal = self._calls.lasting_refusal
        return _line(refusal, 503) if refusal else _line("ready")

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=await self._calls.metrics.rendered(), headers={"Content-Type": CONTENT_TYPE})


@web.middleware
async def _last_door(request: web.Request, handler: _Work) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.RequestPayloadError:
        return _line("the request's body is broken", 400)
    except (web.HTTPException, ConnectionError):
        raise
    except Exception:
        log.exception("request failed", extra={"path": request.path})
        return _line("internal error", 500)


def _line(text: str, status: int = 200) -> web.Response:
    return web.Response(text=f"{text}\n", status=status)
