"""The console: a page on which operators watch calls, live and over. It loads nothing from elsewhere.

The page itself holds nothing and is shown to whoever reaches it; everything on it is asked for with the operator's
token. Who is not on this machine reaches it only where the operator has said so.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

import orjson
from aiohttp import web

from mediasrv.call.trace import STAGES
from mediasrv.errors import RecordsError
from mediasrv.server.api.clerk import Means
from mediasrv.server.api.desk import told
from mediasrv.server.api.fault import Fault
from mediasrv.server.api.guard import Guard, is_loopback, peer_of
from mediasrv.server.calls import Calls
from mediasrv.server.console.gallery import Gallery
from mediasrv.server.console.meters import Meters
from mediasrv.server.console.projector import Projector
from mediasrv.server.console.range import range_of
from mediasrv.server.console.tickets import GOOD_FOR_S, Tickets
from mediasrv.server.webhooks import PROVEN

log = logging.getLogger(__name__)

PING_S = 15.0
"""Longest silence of a stream of events."""
READ_WITHIN_S = 10.0
"""Longest time for a visitor to take what he was sent."""
MOST_PART_BYTES = 1 << 20
"""Of a part of a recording that is sent at once, whatever was asked for (RFC 9110, section 15.3.7): half a minute at
8 kHz. A player takes no more than it will play soon, and keeps nobody waiting."""
TICKET = "mediasrv-ticket"

_PAGES = {
    "/console": ("index.html", "text/html"),
    "/console/console.css": ("console.css", "text/css"),
    "/console/console.js": ("console.js", "text/javascript"),
}
# Nothing but our own, no markup made of data, in nobody's frame (W3C, Content Security Policy Level 3; Trusted Types).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; media-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP")

Elsewhere = Callable[[web.Request, str], Awaitable[web.StreamResponse | None]]
"""Asks another server of a fleet about a call; ``None`` where none has it."""
_Work = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def _nowhere(request: web.Request, call_id: str) -> None:
    """The answer where there is one server."""


class ConsoleDesk:
    """Serves it."""

    def __init__(self, calls: Calls, means: Means, guard: Guard, gallery: Gallery) -> None:
        self._means = means
        self._guard = guard
        self._gallery = gallery
        self._meters = Meters(calls, gallery)
        self._projector = Projector(means.records, means.recordings)
        self._tickets = Tickets(means.token)
        self.watch: Elsewhere = _nowhere
        """Watches a call that is live elsewhere."""
        self.fetch: Elsewhere = _nowhere
        """Plays a recording that is kept elsewhere."""
        self._is_public = means.console_is_public
        self._is_local = is_loopback(urlsplit(means.public_url).hostname or "localhost")
        home = Path(__file__).parent
        self._pages = {path: ((home / name).read_bytes(), kind) for path, (name, kind) in _PAGES.items()}

    def routes(self) -> Iterable[web.RouteDef]:
        """What is served, at which path."""
        for path in self._pages:
            yield web.get(path, self._served(self._show_page, is_open=True))
        yield web.get("/console/about", self._served(self._tell_about))
        yield web.get("/console/events", self._served(self._stream), allow_head=False)
        recording = "/console/calls/{id}/recording"
        yield web.get(recording, self._served(self._play, takes_tickets=True), allow_head=False)
        yield web.post(recording, self._served(self._give_ticket))

    def _served(self, work: _Work, *, is_open: bool = False, takes_tickets: bool = False) -> _Work:
        """``is_open``: to whoever has no token too; ``takes_tickets``: in place of the token."""

        async def serve(request: web.Request) -> web.StreamResponse:
            try:
                self._check_place(request)
                if not (is_open or (takes_tickets and self._has_ticket(request))):
                    peer = peer_of(request.remote, request.headers)
                    self._guard.check(request.headers.get("Authorization", ""), peer)
                return await work(request)
            except Fault as fault:
                response = told(fault)
            except RecordsError as error:
                response = told(Fault(503, "no_records", str(error)))
            response.headers.update(HEADERS)
            return response

        return serve

    def _check_place(self, request: web.Request) -> None:
        """Raise ``Fault`` for a request from elsewhere, unless the console is public.

        What comes through a proxy comes from this machine too, and tells by its headers, or by the URL that the
        operator has given to carriers, that it does not. Whom another server of the fleet sends it has looked at.
        """
        if PROVEN in request:
            return
        address = request.transport.get_extra_info("sockname") if request.transport is not None else None
        is_here = is_loopback(str((address or ("",))[0])) and is_loopback(request.url.host or "")
        is_direct = self._is_local and not any(name in request.headers for name in _FORWARDED)
        if not (self._is_public or (is_here and is_direct)):
            raise Fault(403, "console_is_closed", "the console is closed to the public: see api.console")

    def _has_ticket(self, request: web.Request) -> bool:
        return self._tickets.is_good(request.cookies.get(TICKET, ""), request.match_info["id"])

    async def _show_page(self, request: web.Request) -> web.Response:
        body, kind = self._pages[request.path]
        return web.Response(body=body, content_type=kind, charset="utf-8", headers=HEADERS)

    async def _tell_about(self, request: web.Request) -> web.Response:
        about = {
            "version": version("mediasrv"),
            "records": self._means.records is not None,
            "recordings": self._means.recordings is not None,
            "stages": [{"name": name, "meaning": meaning} for name, meaning in STAGES],
        }
        return web.Response(body=orjson.dumps(about), content_type="application/json", headers=HEADERS)

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        call_id = request.query.get("call", "")
        if call_id and call_id not in self._gallery.board.entries and (there := await self.watch(request, call_id)):
            return there
        visitor = self._gallery.enter(call_id)
        self._meters.wake()
        # A proxy must not wait until there is more (nginx has its own header for that).
        headers = {**HEADERS, "Content-Type": "text/event-stream", "X-Accel-Buffering": "no"}
        response = web.StreamResponse(headers=headers)
        try:
            await response.prepare(request)
            while news := await visitor.news(PING_S):
                await self._send(request, response, news)
        finally:
            self._gallery.leave(visitor)
        return response

    async def _give_ticket(self, request: web.Request) -> web.Response:
        """In a cookie that no script can read, and that goes to this very path only (RFC 6265, section 4.1.2)."""
        response = web.Response(status=204, headers=HEADERS)
        response.set_cookie(
            TICKET,
            self._tickets.ticket(request.match_info["id"]),
            path=request.rel_url.raw_path,
            max_age=GOOD_FOR_S,
            httponly=True,
            samesite="Strict",
            secure=request.secure or request.headers.get("X-Forwarded-Proto") == "https",
        )
        return response

    async def _play(self, request: web.Request) -> web.StreamResponse:
        try:
            return await self._play_ours(request)
        except Fault as fault:
            if fault.status != web.HTTPNotFound.status_code:
                raise
            if (there := await self.fetch(request, request.match_info["id"])) is None:
                raise
            return there

    async def _play_ours(self, request: web.Request) -> web.StreamResponse:
        part = request.query.get("part", "0")
        async with self._projector.projection(request.match_info["id"], part) as film:
            headers = {**HEADERS, "Content-Type": "audio/wav", "Accept-Ranges": "bytes"}
            wanted = range_of(request.headers.get("Range", ""), film.size_bytes)
            if wanted is not None and not wanted:
                return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{film.size_bytes}"})
            status, length = 200, film.size_bytes
            if wanted is not None:
                wanted = wanted[:MOST_PART_BYTES]
                film.cut(wanted.start, wanted.stop)
                status, length = 206, len(wanted)
                headers["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{film.size_bytes}"
            response = web.StreamResponse(status=status, headers=headers)
            response.content_length = length
            piece = await film.piece()
            await response.prepare(request)
            while piece:
                await self._send(request, response, piece)
                piece = await film.piece()
        return response

    async def _send(self, request: web.Request, response: web.StreamResponse, data: bytes) -> None:
        """Send, and wait until there is room for more; who does not read is cut off, by ``ConnectionError``."""
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                await response.write(data)
        except TimeoutError:
            log.info("a console reads too slowly")
            if request.transport is not None:
                request.transport.abort()
            raise ConnectionAbortedError from None
