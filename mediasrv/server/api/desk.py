"""The operator's API over HTTP: who asks is checked, then what is asked, then it is done; always in JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from typing import Any

import orjson
from aiohttp import web

from mediasrv.errors import CarrierError, RecordsError
from mediasrv.server.api.clerk import Clerk, Json, Means
from mediasrv.server.api.document import OPERATIONS, SCHEMAS, Operation, document
from mediasrv.server.api.fault import Fault
from mediasrv.server.api.guard import Guard, peer_of
from mediasrv.server.api.schema import flaws
from mediasrv.server.calls import Calls

log = logging.getLogger(__name__)

BODY_WITHIN_S = 10.0
"""Longest time for a request's body to arrive."""
_MAX_ID_CHARS = 500

Handler = Callable[[web.Request], Awaitable[web.Response]]


class OperatorDesk:
    """Serves it."""

    def __init__(self, calls: Calls, means: Means, guard: Guard) -> None:
        self._clerk = Clerk(calls, means)
        self._guard = guard
        self._document = orjson.dumps(document(version("mediasrv")))

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path."""
        for operation in OPERATIONS:
            yield web.route(operation.method, operation.path, self._served(operation))
        yield web.get("/openapi.json", self._describe)
        yield web.route("*", "/calls", self._refuse_method)
        yield web.route("*", "/calls/{rest:.*}", self._refuse_method)

    async def _describe(self, request: web.Request) -> web.Response:
        return web.Response(body=self._document, content_type="application/json")

    async def _refuse_method(self, request: web.Request) -> web.Response:
        return told(Fault(404, "no_such_operation", "there is no such operation: see /openapi.json"))

    def _served(self, operation: Operation) -> Handler:
        do = getattr(self._clerk, operation.name)

        async def serve(request: web.Request) -> web.Response:
            try:
                return _answer(await do(*await self._asked(request, operation)), operation.status)
            except Fault as fault:
                return told(fault)
            except RecordsError as error:
                return told(Fault(503, "no_records", str(error)))
            except CarrierError as error:
                return told(Fault(502, "carrier", str(error)))
            except (ConnectionError, web.RequestPayloadError):
                raise
            except Exception:
                # The last door: one request must not tell strangers how we are made.
                log.exception("request failed", extra={"operation": operation.name})
                return told(Fault(500, "internal_error", "internal error"))

        return serve

    async def _asked(self, request: web.Request, operation: Operation) -> list[Any]:
        """What the clerk is given: the call's name, the query, the body, where there are any. Raise ``Fault``."""
        self._guard.check(request.headers.get("Authorization", ""), peer_of(request.remote, request.headers))
        given: list[Any] = []
        if "id" in request.match_info:
            given.append(_printable(request.match_info["id"]))
        if operation.query:
            given.append(_checked_query(request, operation))
        if operation.body:
            given.append(_checked_body(await _body(request), operation))
        return given


def _printable(call_id: str) -> str:
    if len(call_id) > _MAX_ID_CHARS or not call_id.isprintable():
        raise Fault(404, "no_such_call", "nothing is known of this call")
    return call_id


def _checked_query(request: web.Request, operation: Operation) -> Json:
    query: Json = {}
    for name, value in request.query.items():
        if name not in operation.query or name in query:
            problem = "unknown" if name not in operation.query else "given twice"
            raise Fault(400, "bad_query", f"{name[:40]}: {problem}")
        query[name] = value
        for flaw in flaws(value, operation.query[name], SCHEMAS, name):
            raise Fault(400, "bad_query", flaw)
        if not value.isprintable():
            raise Fault(400, "bad_query", f"{name}: expected text that can be printed")
    return query


def _checked_body(body: Any, operation: Operation) -> Any:
    for flaw in flaws(body, SCHEMAS[operation.body], SCHEMAS):
        raise Fault(422, "bad_body", flaw)
    return body


async def _body(request: web.Request) -> Any:
    """The body's JSON; nothing counts as an empty object."""
    try:
        async with asyncio.timeout(BODY_WITHIN_S):
            body = await request.read()
    except TimeoutError:
        raise Fault(408, "slow_body", "the request's body did not come") from None
    except web.HTTPRequestEntityTooLarge:
        raise Fault(413, "large_body", "the request's body is too large") from None
    if not body:
        return {}
    if request.content_type != "application/json":
        raise Fault(415, "no_json", "send JSON, as application/json")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Fault(400, "bad_json", "the request's body is no JSON") from None


def _answer(answer: Json, status: int) -> web.Response:
    return web.Response(body=orjson.dumps(answer), status=status, content_type="application/json")


def told(fault: Fault) -> web.Response:
    """The answer to what is not done."""
    answer = {"error": {"code": fault.code, "message": fault.message}}
    response = _answer(answer, fault.status)
    response.headers.update(fault.headers)
    return response
