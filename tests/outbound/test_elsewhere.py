"""Calls out by Twilio, Telnyx and Exotel: an order becomes a call at the carrier's API, a stream, and an end that is
known."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import aiohttp
import orjson

from mediasrv.audio.format import L16_8K
from mediasrv.carriers.exotel import ExotelCarrier
from mediasrv.carriers.exotel_rest import ExotelControl
from mediasrv.carriers.options import ExotelOptions, TelnyxOptions, TwilioOptions
from mediasrv.carriers.telnyx import TOKEN_HEADER, TelnyxCarrier
from mediasrv.carriers.telnyx_rest import TelnyxControl
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.carriers.twilio_rest import TwilioControl
from mediasrv.outbound.order import Standing, State
from mediasrv.outbound.request import DialRequest
from mediasrv.turn.callee import Kind
from mediasrv.wire.exotel_carrier import ExotelCarrierProtocol
from mediasrv.wire.telnyx_carrier import TelnyxCarrierProtocol
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol
from mediasrv.wire.twilio_signature import sign_twilio
from tests import naive
from tests.carriers.apis import FakeExotel, FakeTelnyx, FakeTwilio, serving
from tests.outbound.support import LANDLINE, MOBILE
from tests.outbound.test_whole import calling_out, dialer_of, until_it_stands
from tests.patience import WAIT_S, until
from tests.server.stage import Stage

ORDER = DialRequest(number=MOBILE, agent="sales team", body={"name": "आशा"})
SECRET = bytes(range(32))
TOKEN = "twilio token"


class Town(Stage):
    """A server that calls out; the test speaks for the carrier."""

    async def order(self) -> str:
        return await dialer_of(self.service).dial(ORDER)

    async def until_it_stands(self, order_id: str, state: State) -> Standing:
        return await until_it_stands(dialer_of(self.service), order_id, state)

    async def twilio_says(self, url: str, **form: str) -> str:
        form = {"CallSid": "live", "Direction": "outbound-api", "From": LANDLINE, "To": MOBILE, **form}
        headers = {"X-Twilio-Signature": sign_twilio(TOKEN, url, {name: [value] for name, value in form.items()})}
        async with self.session.post(url, data=form, headers=headers) as answer:
            assert answer.status == 200
            return await answer.text()

    async def telnyx_says(self, url: str, event: str, **payload: str) -> None:
        payload = {"call_control_id": "live", "direction": "outgoing", "from": LANDLINE, "to": MOBILE, **payload}
        body = orjson.dumps({"data": {"event_type": event, "id": event, "payload": payload}})
        sent = str(int(time.time()))
        signature = b64encode(naive.sign_ed25519(SECRET, sent.encode() + b"|" + body)).decode()
        signed = {"telnyx-timestamp": sent, "telnyx-signature-ed25519": signature, "Content-Type": "application/json"}
        async with self.session.post(url, data=body, headers=signed) as answer:
            assert answer.status == 200

    async def exotel_says(self, url: str, **fields: str) -> None:
        fields = {"CallSid": "live", "Direction": "outbound-api", "From": MOBILE, "To": LANDLINE, **fields}
        # What the address holds of credentials is sent as a header.
        async with self.session.post(url, json=fields) as answer:
            assert answer.status == 200

    async def speaks_with_the_agent(self, url: str, headers: Mapping[str, str], side: Any, parameters: str) -> None:
        """A stream is opened, and is the call that was ordered."""
        parts = urlsplit(url)
        phone = await self.phone(f"{parts.path}?{parts.query}" if parts.query else parts.path, headers, side)
        phone.start("live", headers=parameters)
        await phone.echo()
        (call,) = self.agency.calls
        assert (call.agent, call.details.body) == ("sales team", {"name": "आशा"})
        assert call.details.direction == "outbound"
        assert call.callees == [Kind.HUMAN]


@asynccontextmanager
async def town(folder: Path, carrier: Any, control: Any) -> AsyncIterator[Town]:
    async with (
        calling_out(folder, control, others=[carrier], detect_machine=True) as (service, agency),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)) as session,
    ):
        there = Town(service, agency, session)
        yield there
        for phone in there.phones:
            phone.ears.websocket.abort()


async def test_an_order_is_a_call_of_twilios(tmp_path: Path) -> None:
    api = FakeTwilio()
    async with serving(api) as url:
        options = TwilioOptions(account_sid="AC1", auth_token=TOKEN, api_url=url)
        async with town(tmp_path, TwilioCarrier(options), TwilioControl(options)) as there:
            order_id = await there.order()
            await there.until_it_stands(order_id, State.PLACED)
            (placed,) = (each.given for each in api.asked)
            assert (placed["From"], placed["To"]) == (LANDLINE, MOBILE)
            await there.twilio_says(placed["StatusCallback"], CallStatus="ringing")
            await there.until_it_stands(order_id, State.RINGING)
            assert there.agency.prepared == ["sales team"]
            document = await there.twilio_says(placed["Url"], CallStatus="in-progress")
            await there.until_it_stands(order_id, State.ANSWERED)
            amd = {"AnsweredBy": "human", "MachineDetectionDuration": "900", "CallStatus": "in-progress"}
            await there.twilio_says(placed["AsyncAmdStatusCallback"], **amd)
            stream = ElementTree.fromstring(document)[0][0]
            parameters = ";".join(f"{each.get('name')}={each.get('value')}" for each in stream)
            ws = stream.get("url", "")
            signed = {"X-Twilio-Signature": sign_twilio(TOKEN, ws, {})}
            await there.speaks_with_the_agent(ws, signed, TwilioCarrierProtocol(), parameters)
            assert there.agency.calls[0].details.to_number == MOBILE
            await there.twilio_says(placed["StatusCallback"], CallStatus="completed")
            standing = await there.until_it_stands(order_id, State.ENDED)
    assert (standing.calls, standing.machine) == (1, False)
    assert len(api.asked) == 1


async def test_a_busy_line_of_twilios_is_called_again_later(tmp_path: Path) -> None:
    api = FakeTwilio()
    async with serving(api) as url:
        options = TwilioOptions(account_sid="AC1", auth_token=TOKEN, api_url=url)
        async with town(tmp_path, TwilioCarrier(options), TwilioControl(options)) as there:
            order_id = await there.order()
            await there.until_it_stands(order_id, State.PLACED)
            await there.twilio_says(api.asked[0].given["StatusCallback"], CallStatus="busy")
            standing = await there.until_it_stands(order_id, State.PLANNED)
    assert (standing.calls, standing.due_s is not None and standing.due_s > time.time() + 600) == (1, True)


async def test_an_order_is_a_call_of_telnyxs(tmp_path: Path) -> None:
    api = FakeTelnyx()
    async with serving(api) as url:
        key = b64encode(naive.public_key_ed25519(SECRET)).decode()
        options = TelnyxOptions(api_key="KEY", public_key=key, connection_id="7", api_url=url)
        async with town(tmp_path, TelnyxCarrier(options), TelnyxControl(options)) as there:
            order_id = await there.order()
            await there.until_it_stands(order_id, State.PLACED)
            placed = api.asked[0].given
            assert (placed["from"], placed["to"], placed["connection_id"]) == (LANDLINE, MOBILE, "7")
            assert parse_qs(urlsplit(placed["webhook_url"]).query)["agent"] == ["sales team"]
            webhook, state = placed["webhook_url"], {"client_state": placed["client_state"]}
            await there.telnyx_says(webhook, "call.initiated", **state)
            await there.until_it_stands(order_id, State.RINGING)
            assert there.agency.prepared == ["sales team"]
            await there.telnyx_says(webhook, "call.answered", **state)
            await there.until_it_stands(order_id, State.ANSWERED)
            await there.telnyx_says(webhook, "call.machine.detection.ended", result="human", **state)
            await until(lambda: len(api.asked) == 2)
            stream = api.asked[1].given
            token = {TOKEN_HEADER: stream["stream_auth_token"]}
            await there.speaks_with_the_agent(stream["stream_url"], token, TelnyxCarrierProtocol(), "")
            await there.telnyx_says(webhook, "call.hangup", hangup_cause="normal_clearing", **state)
            standing = await there.until_it_stands(order_id, State.ENDED)
    assert (standing.calls, standing.machine) == (1, False)
    assert [path for _, path in api.commands] == ["/v2/calls", "/v2/calls/live/actions/streaming_start"]


@asynccontextmanager
async def placed_at_exotel(tmp_path: Path) -> AsyncIterator[tuple[FakeExotel, Town, str]]:
    """Exotel's API, a town whose calls it makes, and the name of an order that it has taken."""
    api = FakeExotel()
    async with serving(api) as url:
        options = ExotelOptions(account_sid="acme", api_key="k", api_token="t", stream_password="secret", api_url=url)
        async with town(tmp_path, ExotelCarrier(options), ExotelControl(options)) as there:
            order_id = await there.order()
            await there.until_it_stands(order_id, State.PLACED)
            yield api, there, order_id


async def test_an_order_is_a_call_of_exotels(tmp_path: Path) -> None:
    async with placed_at_exotel(tmp_path) as (api, there, order_id):
        placed = api.asked[0].given
        assert (placed["CallerId"], placed["From"], placed["StreamType"]) == (LANDLINE, MOBILE, "bidirectional")
        await there.exotel_says(placed["StatusCallback"], EventType="answered", Status="in-progress")
        await there.until_it_stands(order_id, State.ANSWERED)
        stream = urlsplit(placed["StreamUrl"])
        basic = {"Authorization": "Basic " + b64encode(b"exotel:secret").decode()}
        phone = await there.phone(f"{stream.path}?{stream.query}", basic, ExotelCarrierProtocol())
        phone.start("live", L16_8K)
        await until(lambda: bool(there.agency.calls))
        (call,) = there.agency.calls
        assert (call.agent, call.details.body) == ("sales team", {"name": "आशा"})
        assert call.details.direction == "outbound"
        await there.exotel_says(placed["StatusCallback"], EventType="terminal", Status="completed")
        standing = await there.until_it_stands(order_id, State.ENDED)
        assert (await phone.end())[0] == 1000
    assert standing.calls == 1
    assert api.commands == [("POST", "/v1/Accounts/acme/Calls/connect.json")]


async def test_a_busy_line_of_exotels_is_called_again_later(tmp_path: Path) -> None:
    async with placed_at_exotel(tmp_path) as (api, there, order_id):
        await there.exotel_says(api.asked[0].given["StatusCallback"], EventType="terminal", Status="busy")
        standing = await there.until_it_stands(order_id, State.PLANNED)
    assert (standing.calls, standing.due_s is not None and standing.due_s > time.time() + 600) == (1, True)
