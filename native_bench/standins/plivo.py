"""A stand-in of Plivo: its REST API for one account, and behind it an exchange where calls ring, live and end.

    standin = PlivoStandin(people={"919876500001": Subscriber(answers="busy")})
    async with standin as url:            # [plivo] api_url
        leg = standin.call_in("918000000000", from_number="919999900000", answer_url=…)

Besides the faults of every stand-in a request may be ``lost`` (obeyed, and the connection torn before the answer) or
``obeyed`` (obeyed, and answered with ``status`` all the same). ``fault_rate`` is the share of requests that have one
by chance.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlsplit
from uuid import uuid4

from aiohttp import web

from mediasrv.carriers.rest import basic_auth
from native_bench.standins.base import NONE, Fault, Refused, Standin, tear
from native_bench.standins.plivo_callbacks import Callbacks, Misfortunes
from native_bench.standins.plivo_exchange import Exchange
from native_bench.standins.plivo_fields import CALL_FIELDS, DEEDS, FAULTS, MESSAGES, NEEDED, TRANSFER_FIELDS
from native_bench.standins.plivo_leg import BY_API, CANCELLED, HungUp, Leg, Redirected, Subscriber

ACCOUNT = "MASTANDIN00000000000"
TOKEN = "stand-in token of plivo"


class PlivoStandin(Standin):
    """Plivo's voice API."""

    name: ClassVar[str] = "plivo"

    def __init__(
        self,
        *,
        people: Mapping[str, Subscriber] | None = None,
        misfortunes: Misfortunes | None = None,
        fault_rate: float = 0.0,
        seed: int = 0,
        max_concurrent: int = 0,
        same_ids: bool = True,
        faults: Sequence[Fault] = (),
        port: int = 0,
    ) -> None:
        """``same_ids``: whether a call has the name of the request that placed it."""
        super().__init__(faults=faults, port=port)
        self.callbacks = Callbacks(TOKEN, misfortunes or Misfortunes())
        self.exchange = Exchange(TOKEN, self.callbacks, people or {}, max_concurrent)
        self.numbers: dict[str, str] = {}
        """Application of each number of the account; empty: none."""
        self.applications: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        """Method, path below the account, and fields of the requests that were served."""
        self.tapes: set[str] = set()
        """Names of the recordings that are kept."""
        self._fault_rate = fault_rate
        self._random = random.Random(seed)
        self._same_ids = same_ids

    @property
    def legs(self) -> list[Leg]:
        """All calls and legs there were, in the order in which they began."""
        return list(self.exchange.legs.values())

    def legs_to(self, number: str) -> list[Leg]:
        """Those to a number, in any spelling."""
        return [leg for leg in self.legs if leg.to_number.removeprefix("+") == number.removeprefix("+")]

    def call_in(
        self,
        to_number: str,
        from_number: str = "919999900000",
        *,
        answer_url: str = "",
        hangup_url: str = "",
        caller: Subscriber | None = None,
    ) -> Leg:
        """Somebody calls a number of the account, which is answered by its application where no URL is given."""
        application = self.applications.get(self.numbers.get(to_number.removeprefix("+"), ""), {})
        urls = {"answer": answer_url or application.get("answer_url", "")}
        urls["hangup"] = hangup_url or application.get("hangup_url") or ""
        urls["answer_method"] = application.get("answer_method", "POST")
        leg = Leg(from_number, to_number, "inbound", caller or Subscriber(after_s=0.0), urls)
        return self.exchange.begin(leg)

    async def settle(self, *legs: Leg) -> None:
        """Wait until these calls are over, or all, and all callbacks have arrived."""
        tasks = [leg.task for leg in legs or self.legs if leg.task is not None]
        await asyncio.gather(*tasks)
        await self.callbacks.settle()

    async def __aexit__(self, *exception: object) -> None:
        await self.exchange.aclose()
        await self.callbacks.aclose()
        await super().__aexit__(*exception)

    # -- the API -------------------------------------------------------------------------------------------------

    def routes(self) -> Iterable[web.RouteDef]:
        base, call = f"/v1/Account/{ACCOUNT}", f"/v1/Account/{ACCOUNT}/Call/{{call_id}}"
        served: list[tuple[str, str, Callable[..., Any]]] = [
            ("POST", f"{base}/Call/", self._place),
            ("GET", f"{base}/Call/", self._list),
            ("GET", f"{call}/", self._show),
            ("POST", f"{call}/", self._transfer),
            ("DELETE", f"{call}/", self._hang_up),
            ("DELETE", f"{base}/Request/{{call_id}}/", self._hang_up),
            ("GET", f"{call}/Stream/", self._streams),
            ("POST", f"{call}/{{deed}}/", self._do),
            ("DELETE", f"{call}/{{deed}}/", self._undo),
            ("DELETE", f"{call}/{{deed}}/{{name}}/", self._undo),
            ("DELETE", f"{base}/Recording/{{name}}/", self._delete_tape),
            ("GET", f"{base}/Number/{{number}}/", self._number),
            ("POST", f"{base}/Number/{{number}}/", self._assign),
            ("GET", f"{base}/Application/", self._applications),
            ("POST", f"{base}/Application/", self._create),
            ("GET", f"{base}/Application/{{app_id}}/", self._application),
            ("POST", f"{base}/Application/{{app_id}}/", self._change),
            ("DELETE", f"{base}/Application/{{app_id}}/", self._delete),
        ]
        return [web.route(method, path, self._served(serve)) for method, path, serve in served]

    def next_fault(self) -> Fault:
        fault = super().next_fault()
        if fault is NONE and self._random.random() < self._fault_rate:
            return self._random.choice(FAULTS)
        return fault

    def _served(self, serve: Callable[[web.Request, dict[str, Any]], web.Response]) -> Any:
        async def answer(request: web.Request) -> web.StreamResponse:
            fault = self.next_fault()
            response = await self.befall(request, fault)
            if response is not None:
                return response
            try:
                credentials = request.headers.get("Authorization", "")
                self.require(
                    credentials == basic_auth(ACCOUNT, TOKEN)["Authorization"], 401, "authentication credentials"
                )
                given = await request.json() if request.can_read_body else {}
                self.asked.append((request.method, request.path.partition(ACCOUNT)[2], given or dict(request.query)))
                done = serve(request, given)
            except Refused as refused:
                return self.refusal(refused)
            if fault.kind == "lost":
                tear(request)
            return web.json_response({"error": "server error"}, status=fault.status) if fault.kind == "obeyed" else done

        return answer

    def _leg(self, request: web.Request) -> Leg:
        name = request.match_info["call_id"]
        found = (leg for leg in self.legs if name in (leg.call_id, leg.request_id) and not leg.is_over)
        leg = next(found, None)
        if leg is None:
            # No complaint: calls end while they are asked for.
            raise web.HTTPNotFound(text='{"error": "call not found"}', content_type="application/json")
        return leg

    def _place(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        self.require_known(given, CALL_FIELDS)
        for name in ("from", "to", "answer_url"):
            self.require(bool(given.get(name)), 400, f"{name} is missing")
        request_id = str(uuid4())
        urls = {name: given.get(f"{name}_url", "") for name in ("answer", "hangup", "ring")}
        urls["machine"] = given.get("machine_detection_url", "")
        leg = Leg(given["from"], given["to"], "outbound", self.exchange.subscriber(given["to"]), urls)
        leg.request_id, leg.ring_timeout_s = request_id, float(given.get("ring_timeout", 120))
        leg.call_id = request_id if self._same_ids else leg.call_id
        leg.detects_machine = given.get("machine_detection", "")
        self.exchange.begin(leg)
        return _json({"api_id": "a", "message": "call fired", "request_uuid": request_id}, 201)

    def _list(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        query = request.query
        legs = [leg for leg in self.legs if query.get("to_number", leg.to_number) == leg.to_number]
        if "status" in query:
            live = (leg for leg in legs if not leg.is_over and (leg.state == "queued") == (query["status"] == "queued"))
            return _json({"api_id": "a", "calls": [leg.call_id for leg in live]})
        return _page(request, [leg.past() for leg in legs if leg.is_over])

    def _show(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        leg = self._leg(request)
        numbers = {"from": leg.from_number, "to": leg.to_number, "direction": leg.direction, "caller_name": ""}
        names = {"call_uuid": leg.call_id, "request_uuid": leg.request_id, "call_status": leg.state}
        return _json({"api_id": "a", **names, **numbers, "session_start": f"{leg.begun:%Y-%m-%d %H:%M:%S.%f}"})

    def _transfer(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        self.require_known(given, TRANSFER_FIELDS)
        self.require(bool(given.get("aleg_url")), 400, "aleg_url is missing")
        leg = self._leg(request)
        leg.deeds.append("transferred")
        leg.interrupt(Redirected(given["aleg_url"]))
        return _json({"api_id": "a", "message": "call transferred"}, 202)

    def _hang_up(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        leg = self._leg(request)
        leg.interrupt(HungUp(BY_API if leg.state == "in-progress" else CANCELLED))
        return web.Response(status=204)

    def _do(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        deed, leg = request.match_info["deed"], self._leg(request)
        self.require(deed in DEEDS, 404, "no such resource")
        self.require_known(given, DEEDS[deed])
        needed = NEEDED.get(deed)
        self.require(needed is None or bool(given.get(needed)), 400, f"{needed} is missing")
        leg.deeds.append(f"{deed} {given.get(needed, '') if needed else given.get('time_limit', 60)}")
        name = str(uuid4())
        answer = {"api_id": "a", "message": MESSAGES.get(deed, f"{deed.lower()} started")}
        if deed == "Record":
            leg.recordings.append(name)
            self.tapes.add(name)
            leg.urls[name] = given.get("callback_url", "")
            answer |= {"recording_id": name, "url": f"https://media.plivo.com/{name}.wav"}
        if deed == "Stream":
            answer["stream_id"] = name
        return _json(answer, 202)

    def _undo(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        leg, deed = self._leg(request), request.match_info["deed"]
        leg.deeds.append(f"no {deed}")
        if deed == "Record":
            while leg.recordings:
                self.exchange.report_recording(leg, leg.recordings.pop())
        return web.Response(status=204)

    def _streams(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        return _page(request, [{"call_uuid": self._leg(request).call_id}])

    def _delete_tape(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        name = request.match_info["name"]
        self.require(name in self.tapes, 404, "recording not found")
        self.tapes.discard(name)
        return web.Response(status=204)

    # -- numbers and applications --------------------------------------------------------------------------------

    def _number(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        number = request.match_info["number"]
        self.require(number in self.numbers, 404, "number not found")
        app_id = self.numbers[number]
        application = f"/v1/Account/{ACCOUNT}/Application/{app_id}/" if app_id else None
        return _json({"api_id": "a", "number": number, "application": application, "voice_enabled": True})

    def _assign(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        number, app_id = request.match_info["number"], str(given.get("app_id") or "")
        self.require(number in self.numbers, 404, "number not found")
        self.require(not app_id or app_id in self.applications, 400, "no such application")
        self.numbers[number] = app_id
        return _json({"api_id": "a", "message": "changed"}, 202)

    def _applications(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        return _page(request, list(self.applications.values()))

    def _create(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        self.require(bool(given.get("app_name")), 400, "app_name is missing")
        self._check_urls(given)
        app_id = str(10_000_000_000_000_000 + len(self.applications))
        self.applications[app_id] = {"app_id": app_id, "answer_method": "POST", "hangup_method": "POST", **given}
        return _json({"api_id": "a", "app_id": app_id, "message": "created"}, 201)

    def _application(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        return _json({"api_id": "a", **self._known(request)})

    def _change(self, request: web.Request, given: dict[str, Any]) -> web.Response:
        self._check_urls(given)
        self._known(request).update(given)
        return _json({"api_id": "a", "message": "changed"}, 202)

    def _delete(self, request: web.Request, _: dict[str, Any]) -> web.Response:
        del self.applications[self._known(request)["app_id"]]
        return web.Response(status=204)

    def _known(self, request: web.Request) -> dict[str, Any]:
        self.require(request.match_info["app_id"] in self.applications, 404, "application not found")
        return self.applications[request.match_info["app_id"]]

    def _check_urls(self, given: Mapping[str, Any]) -> None:
        for name in ("answer_url", "hangup_url"):
            self.require(urlsplit(given.get(name) or "http://x").scheme in ("http", "https"), 400, f"{name} is no URL")


def _json(fields: Mapping[str, Any], status: int = 200) -> web.Response:
    return web.json_response(fields, status=status)


def _page(request: web.Request, objects: Sequence[Mapping[str, Any]]) -> web.Response:
    limit, offset = int(request.query.get("limit", 20)), int(request.query.get("offset", 0))
    meta = {"limit": limit, "offset": offset, "total_count": len(objects), "next": None, "previous": None}
    return _json({"api_id": "a", "meta": meta, "objects": objects[offset : offset + limit]})
