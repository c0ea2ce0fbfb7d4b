"""Everything on the port that is no WebSocket, served by aiohttp: webhooks, and how the server is doing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.abc import AbstractAccessLogger

from mediasrv.errors import SignatureError
from mediasrv.server.calls import Calls
from mediasrv.server.carrier import ANSWER_PATH, STATUS_PATH, STREAM_PATH, PlivoCarrier, Webhook, read_webhook
from mediasrv.server.media import DEFAULT_AGENT
from mediasrv.server.metrics import CONTENT_TYPE
from mediasrv.server.request import all_values, first_values, origin_of

log = logging.getLogger(__name__)

BODY_BYTES = 64 * 1024
"""Largest body of a request; a webhook has one or two kilobytes."""
BODY_WITHIN_S = 10.0
"""Longest time for a request's body to arrive."""
_KEEP_ALIVE_S = 75.0
_SHUTDOWN_S = 2.0

# aiohttp logs each body that breaks off, with a stack: the port is open to the world. Our own errors are logged here.
_aiohttp_log = logging.getLogger(f"{__name__}.aiohttp")
_aiohttp_log.setLevel(logging.CRITICAL)

_Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


class _NoAccessLog(AbstractAccessLogger):
    """Webhooks log what they tell; probes and scrapers come all day."""

    enabled = False

    def log(self, request: web.BaseRequest, response: web.StreamResponse, time: float) -> None:
        """Nothing."""


class _Connection(web.RequestHandler):
    """aiohttp's, but for what it says of a request that it cannot parse: in one line, and nothing to the log."""

    __slots__ = ()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        response = _line("the request cannot be read", status)
        response.force_close()
        return response


class Reception:
    """Answers HTTP requests."""

    def __init__(self, calls: Calls, plivo: PlivoCarrier, public_url: str) -> None:
        """``public_url`` as ``origin_of`` takes it."""
        self._calls = calls
        self._plivo = plivo
        self._public_url = public_url
        app = web.Application(client_max_size=BODY_BYTES, middlewares=[_last_door])
        app.router.add_get(ANSWER_PATH, self._answer)
        app.router.add_post(ANSWER_PATH, self._answer)
        app.router.add_post(STATUS_PATH, self._status)
        app.router.add_get(STREAM_PATH, self._stream)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        app.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(app, shutdown_timeout=_SHUTDOWN_S)

    async def start(self) -> None:
        """Get ready for connections."""
        await self._runner.setup()

    async def aclose(self) -> None:
        """Finish what is being answered, close all connections; safe to call twice."""
        await self._runner.cleanup()

    def connection(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        assert self._runner.server is not None  # start was called
        loop = asyncio.get_running_loop()
        return _Connection(
            self._runner.server,
            loop=loop,
            keepalive_timeout=_KEEP_ALIVE_S,
            access_log_class=_NoAccessLog,
            auto_decompress=False,  # webhooks come plain, and a bomb would unpack on the loop
            logger=_aiohttp_log,
        )

    async def _answer(self, request: web.Request) -> web.Response:
        """The document for a call that is being answered, or that is over."""
        fields, webhook = await self._read(request)
        if webhook.ends_call:
            self._calls.hang_up(webhook.call_id)
            return _xml(self._plivo.nothing)
        agent = fields.get("agent", "")
        if (agent or DEFAULT_AGENT) not in self._calls.agency.names:
            self._calls.complaints.refused("there is no such agent", webhook.call_id)
            raise web.HTTPNotFound(text="there is no such agent\n")
        origin = self._origin(request)
        if not origin:
            raise web.HTTPBadRequest(text="the request names no host\n")
        if not self._calls.expect(webhook.call_id, webhook.from_number, webhook.to_number, webhook.direction):
            self._calls.complaints.refused(self._calls.refusal, webhook.call_id)
            return _xml(self._plivo.busy)
        self._calls.prepare(agent or DEFAULT_AGENT)
        log.info("call answered", extra={"call": webhook.call_id, "agent": agent or DEFAULT_AGENT})
        return _xml(self._plivo.answer(origin, webhook.call_id, agent, fields.get("body", ""), time.time()))

    async def _status(self, request: web.Request) -> web.Response:
        """A word about a call or its stream."""
        _, webhook = await self._read(request)
        self._calls.metrics.called_back(webhook.event or "none")
        log.info("call status", extra={"call": webhook.call_id, "event": webhook.event[:40]})
        if webhook.ends_call:
            self._calls.hang_up(webhook.call_id)
        elif webhook.ends_stream:
            self._calls.stream_ended(webhook.call_id, webhook.stream_id)
        return _line("ok")

    async def _stream(self, request: web.Request) -> web.Response:
        if "upgrade" in request.headers:
            raise web.HTTPBadRequest(text="a WebSocket must be the first request of its connection\n")
        response = _line("this address speaks WebSocket", 426)
        response.headers["Upgrade"] = "websocket"
        return response

    async def _healthz(self, request: web.Request) -> web.Response:
        return _line("alive")

    async def _readyz(self, request: web.Request) -> web.Response:
        refusal = self._calls.refusal
        return _line(refusal, 503) if refusal else _line("ready")

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(body=self._calls.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def _read(self, request: web.Request) -> tuple[dict[str, str], Webhook]:
        """The fields of a webhook, query and form together, after the proof that it is the carrier's."""
        query, form = request.rel_url.raw_query_string, await _form(request)
        try:
            fields = {**first_values(form), **first_values(query)}
            self._plivo.verify_webhook(
                request.method,
                f"{self._origin(request)}{request.raw_path}",
                request.headers.items(),
                all_values(form),
            )
        except SignatureError as error:
            self._calls.complaints.refused(str(error))
            raise web.HTTPForbidden(text="forbidden\n") from None
        except ValueError:
            raise web.HTTPBadRequest(text="there are too many fields\n") from None
        return fields, read_webhook(fields)

    def _origin(self, request: web.Request) -> str:
        return origin_of({name.lower(): value for name, value in request.headers.items()}, self._public_url)


async def _form(request: web.Request) -> str:
    """The body of a form, as it was sent; raise the HTTP error for a body that is none."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="the request's body did not come\n") from None
    if body and request.content_type not in ("application/x-www-form-urlencoded", "application/octet-stream"):
        raise web.HTTPUnsupportedMediaType(text="send a form, application/x-www-form-urlencoded\n")
    return body.decode("utf-8", "replace")


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


def _xml(document: str) -> web.Response:
    return web.Response(text=document, content_type="application/xml", charset="utf-8")


def _line(text: str, status: int = 200) -> web.Response:
    return web.Response(text=f"{text}\n", status=status)
