"""The stand-in of Plivo, asked by Plivo's own client and by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qsl

import aiohttp
import plivo
import pytest
from aiohttp import web
from plivo.rest import client as sdk
from plivo.utils import validate_v3_signature

from mediasrv.carriers.rest import basic_auth
from native_bench.standins.base import Fault
from native_bench.standins.plivo import ACCOUNT, TOKEN, PlivoStandin
from native_bench.standins.plivo_callbacks import Misfortunes
from native_bench.standins.plivo_leg import Subscriber
from tests.patience import until

FROM, TO, THIRD = "918000000000", "919876500001", "919876500002"


class Office:
    """A server with documents, and what it was told."""

    def __init__(self, documents: dict[str, str]) -> None:
        self.documents = documents
        self.told: list[tuple[str, str, dict[str, str]]] = []
        self.are_signed: list[bool] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        fields = dict(parse_qsl(await request.text() or request.query_string))
        self.told.append((request.method, request.path, fields))
        headers = request.headers
        proof = headers["X-Plivo-Signature-V3-Nonce"], TOKEN, headers["X-Plivo-Signature-V3"]
        form = fields if request.method == "POST" else {}
        self.are_signed.append(validate_v3_signature(request.method, f"{self.url}{request.raw_path}", *proof, form))
        return web.Response(text=self.documents.get(request.path, "<Response/>"))

    def events(self, path: str) -> list[str]:
        return [
            fields.get("Event", "") or fields.get("DialStatus", "") for _, where, fields in self.told if where == path
        ]


@asynccontextmanager
async def office(**documents: str) -> AsyncIterator[Office]:
    there = Office({f"/{name}": f"<Response>{body}</Response>" for name, body in documents.items()})
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", there.answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    there.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield there
    finally:
        await runner.cleanup()


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Plivo's own client, pointed at an origin."""

    def pointed(url: str) -> Any:
        for name in ("PLIVO_API_BASE_URI", "API_VOICE_BASE_URI"):
            monkeypatch.setattr(sdk, name, f"{url}/v1/Account")
        return plivo.RestClient(ACCOUNT, TOKEN)

    return pointed


async def test_a_call_is_placed_and_tells_of_itself_by_signed_callbacks(client: Callable[[str], Any]) -> None:
    standin = PlivoStandin()
    async with standin as url, office(answer="<Speak>hello</Speak>") as there:
        hook = f"{there.url}/status"
        api = client(url)
        placed = await asyncio.to_thread(
            api.calls.create, from_=FROM, to_=TO, answer_url=f"{there.url}/answer", hangup_url=hook, ring_url=hook
        )
        await standin.settle()
        assert there.events("/status") == ["Ring", "Hangup"]
        assert there.events("/answer") == ["StartApp"]
        assert there.told[0][2]["CallUUID"] == placed.request_uuid
        assert there.told[-1][2]["HangupCauseCode"] == "4010"
        assert all(there.are_signed)
    (leg,) = standin.legs
    assert leg.deeds == ["ringing", "answered", "speak hello", "ended 4010"]
    assert standin.complaints == []


@pytest.mark.parametrize(
    ("answers", "status", "code"), [("busy", "busy", "3010"), ("no", "no-answer", "3000"), ("reject", "failed", "3020")]
)
async def test_who_does_not_answer_has_a_cause(answers: str, status: str, code: str) -> None:
    standin = PlivoStandin(people={TO: Subscriber(answers=answers)})
    async with standin, office() as there:
        leg = standin.call_in(TO, answer_url=f"{there.url}/a", hangup_url=f"{there.url}/b")
        leg.subscriber, leg.ring_timeout_s = Subscriber(answers=answers), 0.02
        await standin.settle()
        assert [(fields["CallStatus"], fields["HangupCauseCode"]) for _, _, fields in there.told] == [(status, code)]


async def test_a_call_without_a_hangup_url_asks_for_its_document_again() -> None:
    standin = PlivoStandin()
    async with standin, office(answer="<Hangup/>") as there:
        standin.call_in(FROM, answer_url=f"{there.url}/answer")
        await standin.settle()
        assert there.events("/answer") == ["StartApp", "Hangup"]


async def test_a_dial_puts_two_legs_through_and_its_action_takes_over() -> None:
    standin = PlivoStandin(people={THIRD: Subscriber(answers="busy")})
    dial = '<Dial action="{url}/{next}" callerId="918000000000" timeout="5"><Number>{number}</Number></Dial>'
    async with standin, office(last="<Hangup/>") as there:
        there.documents["/answer"] = f"<Response>{dial.format(url=there.url, next='then', number=TO)}</Response>"
        there.documents["/then"] = f"<Response>{dial.format(url=there.url, next='last', number=THIRD)}</Response>"
        leg = standin.call_in(FROM, answer_url=f"{there.url}/answer")
        await standin.settle()
        (other,) = standin.legs_to(TO)
        assert leg.bridged_to == {other.call_id}
        assert there.events("/then") == ["completed"]
        assert there.events("/last") == ["busy"]


async def test_a_conference_ends_with_who_ends_it() -> None:
    room = '<Conference endConferenceOnExit="true">room</Conference>'
    standin = PlivoStandin(people={TO: Subscriber(talks_s=0.05)})
    async with standin as url, office(answer=room) as there:
        leg = standin.call_in(FROM, answer_url=f"{there.url}/answer")
        call = {"from": FROM, "to": TO, "answer_url": f"{there.url}/answer"}
        assert (await ask(url, "POST", "Call/", call))[0] == 201
        await standin.settle()
        (other,) = standin.legs_to(TO)
        assert leg.bridged_to == {other.call_id}
        assert leg.deeds[-1] == "ended 4010"


async def ask(url: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    headers = basic_auth(ACCOUNT, TOKEN)
    address = f"{url}/v1/Account/{ACCOUNT}/{path}"
    async with aiohttp.ClientSession(headers=headers) as http, http.request(method, address, json=body) as answer:
        return answer.status, await answer.json() if answer.content_type == "application/json" else None


async def test_a_live_call_is_led_elsewhere_and_ended(client: Callable[[str], Any]) -> None:
    standin = PlivoStandin()
    async with standin as url, office(answer='<Play loop="0">x</Play>', other='<Play loop="0">y</Play>') as there:
        api = client(url)
        leg = standin.call_in(FROM, answer_url=f"{there.url}/answer", hangup_url=f"{there.url}/end")
        await until(lambda: "play x" in leg.deeds)
        await asyncio.to_thread(api.calls.transfer, leg.call_id, legs="aleg", aleg_url=f"{there.url}/other")
        await until(lambda: "play y" in leg.deeds)
        live = await asyncio.to_thread(api.live_calls.get, leg.call_id)
        assert live.call_status == "in-progress"
        await asyncio.to_thread(api.calls.hangup, leg.call_id)
        await standin.settle()
        assert leg.deeds[-1] == "ended 4000"
        with pytest.raises(plivo.exceptions.ResourceNotFoundError):
            await asyncio.to_thread(api.calls.hangup, leg.call_id)


async def test_requests_may_be_obeyed_without_an_answer() -> None:
    standin = PlivoStandin(faults=[Fault("lost"), Fault("obeyed", status=503), Fault("refuse", status=500)])
    async with standin as url, office() as there:
        call = {"from": FROM, "to": TO, "answer_url": f"{there.url}/answer"}
        with pytest.raises(aiohttp.ClientError):
            await ask(url, "POST", "Call/", call)
        assert (await ask(url, "POST", "Call/", call))[0] == 503
        assert (await ask(url, "POST", "Call/", call))[0] == 500
        assert len(standin.legs) == 2


async def test_callbacks_may_come_twice_late_and_never() -> None:
    for misfortunes, expected in ((Misfortunes(doubled=1.0, late=1.0), 4), (Misfortunes(lost=1.0), 0)):
        standin = PlivoStandin(misfortunes=misfortunes)
        async with standin as url, office(answer="<Hangup/>") as there:
            hook = f"{there.url}/status"
            call = {"from": FROM, "to": TO, "answer_url": f"{there.url}/answer", "hangup_url": hook, "ring_url": hook}
            await ask(url, "POST", "Call/", call)
            await standin.settle()
            assert len(there.events("/status")) == expected


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("Call/", {"from": FROM, "to": TO}, "answer_url is missing"),
        ("Call/", {"from": FROM, "to": TO, "answer_url": "http://x", "tone": 1}, "unknown parameters: tone"),
        ("Application/", {"app_name": "a", "answer_url": "ftp://x"}, "answer_url is no URL"),
    ],
)
async def test_a_request_that_does_not_fit_is_refused(path: str, body: Any, complaint: str) -> None:
    standin = PlivoStandin()
    async with standin as url:
        assert (await ask(url, "POST", path, body))[0] == 400
    assert standin.complaints == [complaint]


async def test_more_calls_than_the_account_may_have_are_rejected() -> None:
    standin = PlivoStandin(max_concurrent=1)
    async with standin, office(answer='<Play loop="0">x</Play>') as there:
        standin.call_in(FROM, answer_url=f"{there.url}/answer", hangup_url=f"{there.url}/end")
        second = standin.call_in(FROM, answer_url=f"{there.url}/answer", hangup_url=f"{there.url}/end")
        await standin.settle(second)
        assert second.deeds == ["ended 5030"]
