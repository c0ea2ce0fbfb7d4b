"""A caller on Telnyx who is handed over by commands, or stays with his agent because nobody wants him."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import aiohttp
import orjson
import pytest

from mediasrv.call.agency import Agency
from mediasrv.call.control import HandoverOutcome
from mediasrv.carriers.options import PlivoOptions, TelnyxOptions
from mediasrv.carriers.telnyx import TelnyxCarrier
from mediasrv.carriers.telnyx_rest import TelnyxControl, client_state
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from tests.call.stage import agent_options
from tests.carriers.apis import FakeTelnyx, serving
from tests.patience import WAIT_S, until
from tests.server import handing
from tests.server.stage import EchoAgency, Phone, Stage
from tests.server.test_telnyx import KEY, Telnyx

COLD, WARM = {"to": "+15550009"}, {"to": "+15550009", "briefing": "Ann & order 7"}


@asynccontextmanager
async def office() -> AsyncIterator[Telnyx]:
    """A server whose agent hands over at once, and the carrier."""
    handing.LOG.clear()
    api = FakeTelnyx()
    api.live.add("callee")
    api.placed = "callee"
    async with serving(api) as url:
        options = TelnyxOptions(api_key="KEY", public_key=KEY, connection_id="7", api_url=url)
        control = TelnyxControl(options)
        agency = Agency({"default": agent_options(class_="tests.server.handing:Receptionist")})
        means = Means(token="", board=Board(), controls={"telnyx": control})
        server, unsigned = ServerOptions(port=0, sheds_load=False), PlivoOptions(verify_signatures=False)
        service = Service(server, unsigned, agency, others=[TelnyxCarrier(options)], means=means)
        await service.start()
        try:
            async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session:
                yield Telnyx(Stage(service, cast(EchoAgency, agency), session), api)
        finally:
            await service.aclose()
            await control.aclose()


async def caller(line: Telnyx, order: dict[str, str]) -> Phone:
    """Somebody is on the line whose agent gets this order."""
    body = b64encode(orjson.dumps(order)).decode()
    await line.tell("call.answered", client_state=client_state("", body, "inbound"), to="+15550199")
    phone = await line.dial_in((await line.asked("streaming_start")).given)
    phone.start("live")
    return phone


async def tell(line: Telnyx, asked: dict[str, Any], event: str, **payload: Any) -> None:
    """Tell of the leg that a command has asked for, as that wanted it told."""
    path, _, query = asked["webhook_url"].partition("/telnyx/")[2].partition("?")
    state = asked.get("target_leg_client_state") or asked["client_state"]
    told = {"call_control_id": "callee", "client_state": state, "direction": "outgoing", **payload}
    assert await line.tell(event, f"?{query}", path, **told) == 200


async def test_a_caller_is_put_through_and_his_stream_ends_without_his_call() -> None:
    async with office() as line:
        phone = await caller(line, COLD)
        asked = dict((await line.asked("transfer")).given)
        assert (asked["to"], asked["from"], asked["timeout_secs"]) == ("+15550009", "+15550199", 30)
        await tell(line, asked, "call.initiated")
        await tell(line, asked, "call.answered")
        await tell(line, asked, "call.bridged")
        await phone.end()
        await line.asked("streaming_stop")
        assert handing.LOG == [HandoverOutcome.CONNECTED]
        await line.tell("call.hangup", hangup_cause="normal_clearing")
        assert not [path for _, path in line.api.commands if path == "/v2/calls/live/actions/hangup"]


@pytest.mark.parametrize(
    ("cause", "outcome"),
    [("user_busy", "BUSY"), ("timeout", "NO_ANSWER"), ("call_rejected", "REJECTED"), ("unspecified", "FAILED")],
)
async def test_a_caller_whom_nobody_wants_stays_with_his_agent(cause: str, outcome: str) -> None:
    async with office() as line:
        phone = await caller(line, COLD)
        asked = dict((await line.asked("transfer")).given)
        await tell(line, asked, "call.hangup", hangup_cause=cause)
        await until(lambda: [HandoverOutcome[outcome]] == handing.LOG)
        # What comes late about that leg concerns nobody.
        await tell(line, asked, "call.hangup", hangup_cause=cause)
        assert phone.ears.websocket is not None
        phone.ears.websocket.abort()


async def test_somebody_is_briefed_and_brought_together_with_the_caller() -> None:
    async with office() as line:
        phone = await caller(line, WARM)
        await until(lambda: ("POST", "/v2/calls") in line.api.commands)
        asked = dict(next(each.given for each in line.api.asked if each.path == "/v2/calls"))
        assert (asked["to"], asked["from"], asked["connection_id"]) == ("+15550009", "+15550199", "7")
        await tell(line, asked, "call.answered")
        said = await line.asked("speak")
        assert (said.path, said.given["payload"]) == ("/v2/calls/callee/actions/speak", "Ann & order 7")
        assert not handing.LOG
        await tell(line, asked, "call.speak.ended", status="completed")
        bridge = await line.asked("bridge")
        assert (bridge.path, bridge.given["call_control_id"]) == ("/v2/calls/callee/actions/bridge", "live")
        await phone.end()
        assert handing.LOG == [HandoverOutcome.CONNECTED]


@pytest.mark.parametrize(
    ("event", "payload", "outcome"),
    [
        ("call.hangup", {"hangup_cause": "normal_clearing"}, HandoverOutcome.REJECTED),
        ("call.machine.detection.ended", {"result": "machine"}, HandoverOutcome.NO_ANSWER),
    ],
)
async def test_who_does_not_hear_the_briefing_out_is_let_go(
    event: str, payload: dict[str, str], outcome: HandoverOutcome
) -> None:
    async with office() as line:
        phone = await caller(line, WARM)
        await until(lambda: ("POST", "/v2/calls") in line.api.commands)
        asked = dict(next(each.given for each in line.api.asked if each.path == "/v2/calls"))
        await tell(line, asked, "call.answered")
        await line.asked("speak")
        await tell(line, asked, event, **payload)
        await until(lambda: [outcome] == handing.LOG)
        await until(lambda: ("POST", "/v2/calls/callee/actions/hangup") in line.api.commands)
        phone.ears.websocket.abort()


async def test_telnyx_refuses_and_the_caller_stays() -> None:
    async with office() as line:
        line.api.answers = [(200, {}), (422, {"errors": [{"code": "90015"}]})]
        phone = await caller(line, COLD)
        await until(lambda: handing.LOG == [HandoverOutcome.FAILED])
        phone.ears.websocket.abort()
