"""Small stand-ins of carriers' REST APIs: they keep what they were asked, and know which calls are live."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote

from aiohttp import web


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    given: Mapping[str, Any]
    """Its query, its form or its JSON; what a form names several times stands there with commas."""
    auth: str


class FakeApi:
    """Answers every request; ``respond`` says what, and is a carrier's own."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.live: set[str] = {"live"}
        """Calls that are not over."""
        self.answers: list[tuple[int, Any]] = []
        """Said to the next requests, in place of what ``respond`` says."""

    def respond(self, asked: Asked) -> tuple[int, Any]:
        """The status and the body."""
        raise LookupError(asked.path)

    @property
    def commands(self) -> list[tuple[str, str]]:
        return [(asked.method, asked.path) for asked in self.asked]

    async def _serve(self, request: web.Request) -> web.Response:
        given: dict[str, Any] = dict(request.query)
        if request.content_type == "application/json" and request.can_read_body:
            given |= await request.json()
        elif request.can_read_body:
            form = await request.post()
            given |= {name: ",".join(map(str, form.getall(name))) for name in form}
        self.asked.append(
            Asked(request.method, request.raw_path.partition("?")[0], given, request.headers.get("Authorization", ""))
        )
        status, body = self.answers.pop(0) if self.answers else self.respond(self.asked[-1])
        return web.json_response(body, status=status)


@asynccontextmanager
async def serving(api: FakeApi) -> AsyncIterator[str]:
    """Serve on a free port; gives the origin."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api._serve)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class _Closing(Protocol):
    async def aclose(self) -> None: ...


C = TypeVar("C", bound=_Closing)


@asynccontextmanager
async def using(api: FakeApi, client: Callable[[str], C]) -> AsyncIterator[C]:
    """A client of it, which is made of its origin."""
    async with serving(api) as url:
        made = client(url)
        try:
            yield made
        finally:
            await made.aclose()


class FakeTelnyx(FakeApi):
    """Call Control: a command for a call that is over is answered with 422, code 90018."""

    placed = "live"
    """The name of calls that are placed."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, str] = {}
        """The connection that each number belongs to."""
        self.applications: dict[str, dict[str, Any]] = {}

    def respond(self, asked: Asked) -> tuple[int, Any]:
        parts = asked.path.strip("/").split("/")
        match asked.method, parts:
            case "POST", ["v2", "calls"]:
                return 200, {"data": {"call_control_id": self.placed, "is_alive": False}}
            case "GET", ["v2", "calls", call_id]:
                return 200, {"data": {"call_control_id": call_id, "is_alive": call_id in self.live, "to": "+15550002"}}
            case "GET", ["v2", "connections", _, "active_calls"]:
                return 200, {"data": [{"call_control_id": call_id} for call_id in sorted(self.live)]}
            case "GET", ["v2", "phone_numbers"]:
                found = [number for number in self.numbers if number == asked.given["filter[phone_number]"]]
                return 200, {
                    "data": [
                        {"id": f"n{number}", "phone_number": number, "connection_id": self.numbers[number]}
                        for number in found
                    ]
                }
            case "PATCH", ["v2", "phone_numbers", name]:
                self.numbers[unquote(name)[1:]] = asked.given["connection_id"]
                return 200, {"data": {}}
            case "GET", ["v2", "call_control_applications"]:
                return 200, {"data": list(self.applications.values())}
            case "POST", ["v2", "call_control_applications"]:
                made = {"id": f"a{len(self.applications)}", **asked.given}
                self.applications[made["id"]] = made
                return 201, {"data": made}
            case _, ["v2", "call_control_applications", name] if name in self.applications:
                self.applications[name] |= asked.given
                return 200, {"data": self.applications[name]}
            case "POST", ["v2", "calls", call_id, "actions", _] if call_id in self.live:
                return 200, {"data": {"result": "ok"}}
            case "POST", ["v2", "calls", _, "actions", _]:
                return 422, {"errors": [{"code": "90018", "title": "Call has already ended"}]}
        return 404, {"errors": [{"code": "10005"}]}


class FakeTwilio(FakeApi):
    """Calls and recordings of one account; what is done to a call that is over is answered with 404, code 20404."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: dict[str, dict[str, Any]] = {}
        """What stands at each number."""

    def respond(self, asked: Asked) -> tuple[int, Any]:
        parts = asked.path.removeprefix("/2010-04-01/Accounts/AC1/").removesuffix(".json").split("/")
        match asked.method, parts:
            case "POST", ["Calls"]:
                return 201, {"sid": "live", "status": "queued"}
            case "GET", ["Calls"]:
                return 200, {
                    "calls": [
                        {"sid": "new", "status": "busy", "date_created": "Sat, 21 Nov 2026 10:00:00 +0000"},
                        {"sid": "old", "status": "completed", "date_created": "Sat, 21 Nov 2026 01:00:00 +0000"},
                        {"sid": "odd", "status": "queued", "date_created": None},
                    ]
                }
            case "GET", ["IncomingPhoneNumbers"]:
                number = asked.given["PhoneNumber"]
                found = [{"sid": f"PN{number[1:]}", "phone_number": number, **self.numbers.get(number, {})}]
                return 200, {"incoming_phone_numbers": found if number in self.numbers else []}
            case "POST", ["IncomingPhoneNumbers", sid]:
                given = {re.sub("(?<!^)([A-Z])", r"_\1", name).lower(): value for name, value in asked.given.items()}
                self.numbers[f"+{sid[2:]}"] |= {name: value or None for name, value in given.items()}
                return 200, {"sid": sid}
            case "POST", ["Calls", call_id] if call_id in self.live:
                return 200, {"sid": call_id, "status": "completed"}
            case "POST", ["Calls", call_id, "Recordings"] if call_id in self.live:
                return 201, {"sid": "RE1", "status": "in-progress"}
            case "POST", ["Calls", call_id, "Recordings", _] if call_id in self.live:
                return 200, {"status": "stopped"}
        return 404, {"code": 20404, "status": 404}


class FakeExotel(FakeApi):
    """Calls that are placed and looked up."""

    def respond(self, asked: Asked) -> tuple[int, Any]:
        match asked.method, asked.path.removeprefix("/v1/Accounts/acme/"):
            case "POST", "Calls/connect.json":
                return 200, {"Call": {"Sid": "live", "Status": "in-progress", "Price": None}}
            case "GET", "Calls/live.json":
                return 200, {"Call": {"Sid": "live", "Status": "completed"}}
        return 404, {"RestException": {"Status": 404}}
