"""Telnyx from the first webhook to the last: a call is answered, its stream opened, and it ends."""

from __future__ import annotations

import time
from base64 import b64encode
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.telnyx import TOKEN_HEADER, TelnyxCarrier
from mediasrv.carriers.telnyx_rest import client_state
from mediasrv.net.websocket import HandshakeError
from mediasrv.server.options import ServerOptions
from mediasrv.wire.events import SendDtmf
from mediasrv.wire.telnyx_carrier import TelnyxCarrierProtocol
from tests import naive
from tests.carriers.apis import Asked, FakeTelnyx, serving
from tests.patience import until
from tests.server.stage import Phone, Stage, stage

SECRET = bytes(range(32))
KEY = b64encode(naive.public_key_ed25519(SECRET)).decode()
OURS = client_state("", "", "inbound")
BODY = b64encode(b'{"customer":7}').decode()


@dataclass
class Telnyx:
    """The carrier's end: its API, and its webhooks to us."""

    there: Stage
    api: FakeTelnyx
    told: Counter[str] = field(default_factory=Counter)

    async def tell(self, event: str, query: str = "", path: str = "webhook", name: str = "", **payload: Any) -> int:
        """Tell of something new, or once more of what has this name."""
        self.told[event] += 1
        name = name or f"{self.told[event]}. {event}"
        data = {"event_type": event, "id": name, "payload": {"call_control_id": "live", **payload}}
        return await self.post(orjson.dumps({"data": data}), f"/telnyx/{path}{query}")

    async def post(self, body: bytes, path: str = "/telnyx/webhook", headers: Mapping[str, str] | None = None) -> int:
        sent = str(int(time.time()))
        signature = b64encode(naive.sign_ed25519(SECRET, sent.encode() + b"|" + body)).decode()
        signed = {"telnyx-timestamp": sent, "telnyx-signature-ed25519": signature, "Content-Type": "application/json"}
        url = self.there.http + path
        async with self.there.session.post(url, data=body, headers=headers or signed) as answer:
            return answer.status

    async def ring(self, query: str = "") -> int:
        numbers = {"from": "+15550001", "to": "+15550002", "direction": "incoming"}
        return await self.tell("call.initiated", query, **numbers)

    async def asked(self, command: str) -> Asked:
        """Wait for a command."""
        await until(lambda: any(each.path.endswith(f"/{command}") for each in self.api.asked))
        return next(each for each in self.api.asked if each.path.endswith(f"/{command}"))

    async def dial_in(self, stream: Mapping[str, Any]) -> Phone:
        """Open the stream that was asked for."""
        url = urlsplit(stream["stream_url"])
        token = {TOKEN_HEADER: stream["stream_auth_token"]}
        return await self.there.phone(f"{url.path}?{url.query}", token, TelnyxCarrierProtocol())


@asynccontextmanager
async def telnyx(numbers: Mapping[str, str] | None = None, **options: Any) -> AsyncIterator[Telnyx]:
    api = FakeTelnyx()
    async with serving(api) as url:
        carrier = TelnyxCarrier(TelnyxOptions(api_key="KEY", public_key=KEY, api_url=url, numbers=numbers or {}))
        async with stage(ServerOptions(port=0, **options), others=[carrier]) as there:
            yield Telnyx(there, api)


async def test_a_call_is_answered_and_its_stream_opened_for_the_agent_of_the_url() -> None:
    async with telnyx() as line:
        assert await line.ring(f"?agent=sales+team&body={BODY}") == 200
        answer = await line.asked("answer")
        assert answer.given["command_id"] == "1. call.initiated.answer"
        state = answer.given["client_state"]
        assert await line.tell("call.answered", client_state=state) == 200
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        (call,) = line.there.agency.calls
        assert (call.agent, call.details.body, call.details.carrier) == ("sales team", {"customer": 7}, "telnyx")
        assert call.details.direction == "inbound"
        await line.tell("call.hangup", hangup_cause="normal_clearing")
        assert (await phone.end())[0] == 1000


async def test_numbers_come_with_the_stream() -> None:
    async with telnyx() as line:
        await line.tell("call.answered", "?agent=default", client_state=OURS)
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        details = line.there.agency.calls[0].details
        assert (details.from_number, details.to_number) == ("+15550100", "+15550199")


async def test_a_call_that_we_made_has_its_stream_when_it_is_answered() -> None:
    async with telnyx() as line:
        await line.tell("call.initiated", path="answer", direction="outgoing")
        assert line.api.asked == []
        await line.tell("call.answered", "?agent=sales+team", "answer", client_state=client_state("", "", "outbound"))
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        call = line.there.agency.calls[0]
        assert (call.agent, call.details.direction) == ("sales team", "outbound")


async def test_another_leg_has_no_stream() -> None:
    async with telnyx() as line:
        assert await line.tell("call.answered", client_state="c29tZWJvZHkncw==") == 200
        assert await line.tell("call.answered") == 200
        assert line.api.asked == []


async def test_a_stream_without_its_token_is_refused() -> None:
    async with telnyx() as line:
        await line.tell("call.answered", client_state=OURS)
        stream = (await line.asked("streaming_start")).given
        with pytest.raises(HandshakeError, match="403"):
            await line.dial_in({**stream, "stream_auth_token": "0.x"})


async def test_a_full_house_rejects_and_an_unknown_agent_too() -> None:
    async with telnyx(max_calls=1) as line:
        await line.ring("?agent=nobody")
        await line.asked("reject")
        line.api.asked.clear()
        await line.ring()
        await line.asked("answer")
        line.api.asked.clear()
        await line.tell("call.initiated", call_control_id="second", direction="incoming")
        await line.asked("reject")
        await line.tell("call.answered", call_control_id="third", client_state=OURS)
        await line.asked("hangup")


async def test_a_call_that_is_over_is_not_answered() -> None:
    async with telnyx() as line:
        await line.tell("call.hangup")
        await line.ring()
        await line.tell("call.answered", client_state=OURS)
        assert line.api.asked == []


async def test_a_command_that_fails_is_told_and_costs_nobody_anything(caplog: pytest.LogCaptureFixture) -> None:
    async with telnyx() as line:
        line.api.answers = [(422, {"errors": [{"code": "1"}]})]
        await line.ring()
        await until(lambda: "command failed" in caplog.text)
        assert await line.ring() == 200


async def test_keys_toward_the_far_end_go_by_the_api(caplog: pytest.LogCaptureFixture) -> None:
    async with telnyx() as line:
        await line.tell("call.answered", client_state=OURS)
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        link = line.there.agency.calls[0].link
        link.send(SendDtmf("12#"))
        assert (await line.asked("send_dtmf")).given["digits"] == "12#"
        link.send(SendDtmf("x"))
        await until(lambda: "only the keys" in caplog.text)
        line.api.live.clear()
        link.send(SendDtmf("3"))
        await until(lambda: "keys were not pressed" in caplog.text)
        await phone.echo()


async def test_a_call_whose_agent_hangs_up_is_ended() -> None:
    async with telnyx() as line:
        await line.tell("call.answered", client_state=OURS)
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        phone.press("#")
        await line.asked("hangup")


async def test_a_call_that_is_cut_off_by_the_servers_end_is_hung_up() -> None:
    async with telnyx() as line:
        await line.tell("call.answered", client_state=OURS)
        phone = await line.dial_in((await line.asked("streaming_start")).given)
        phone.start("live")
        await phone.echo()
        await line.there.service.aclose()
        assert [each.path for each in line.api.asked if each.path.endswith("/hangup")] == [
            "/v2/calls/live/actions/hangup"
        ]


async def test_a_webhook_that_comes_twice_is_heard_once() -> None:
    async with telnyx(max_calls=1) as line:
        for _ in range(3):
            assert await line.tell("call.answered", client_state=OURS, name="n-1") == 200
        await line.asked("streaming_start")
        assert await line.tell("call.hangup", name="n-2") == 200
        assert await line.tell("call.answered", client_state=OURS, name="n-3", call_control_id="second") == 200
        await until(lambda: len(line.api.asked) == 2)
        assert [each.given["command_id"] for each in line.api.asked] == ["n-1.stream", "n-3.stream"]


async def test_unsigned_and_broken_webhooks_are_refused() -> None:
    async with telnyx() as line:
        assert await line.post(b"{}", headers={"Content-Type": "application/json"}) == 403
        assert await line.post(b"{") == 400
        assert await line.post(b"[]") == 200
        assert line.api.asked == []


async def test_without_an_account_nothing_can_be_commanded() -> None:
    async with stage(others=[TelnyxCarrier(TelnyxOptions(verify_signatures=False))]) as there:
        line = Telnyx(there, FakeTelnyx())
        assert await line.ring() == 200
        assert await line.tell("call.answered", client_state=OURS) == 200
        status, _ = await there.get("/telnyx/stream")
        assert status == 426
