"""A caller on Twilio who is handed over, and comes back when nobody answers there."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from xml.etree import ElementTree

import aiohttp
import orjson

from mediasrv.call.agency import Agency
from mediasrv.call.control import HandoverOutcome
from mediasrv.carriers.options import PlivoOptions, TwilioOptions
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.carriers.twilio_rest import TwilioControl
from mediasrv.net.websocket import connect
from mediasrv.server.api.clerk import Means
from mediasrv.server.board import Board
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol
from tests.call.stage import agent_options
from tests.carriers.apis import FakeTwilio, serving
from tests.net.peers import Ears
from tests.patience import until
from tests.server import handing
from tests.server.stage import Phone


@asynccontextmanager
async def office(api: FakeTwilio) -> AsyncIterator[Service]:
    handing.LOG.clear()
    async with serving(api) as url:
        options = TwilioOptions(account_sid="AC1", auth_token="t", api_url=url, verify_signatures=False)
        control = TwilioControl(options)
        means = Means(token="", board=Board(), controls={"twilio": control})
        agency = Agency({"default": agent_options(class_="tests.server.handing:Receptionist")})
        unsigned = PlivoOptions(verify_signatures=False)
        server = ServerOptions(port=0, sheds_load=False)
        service = Service(server, unsigned, agency, others=[TwilioCarrier(options)], means=means)
        await service.start()
        try:
            yield service
        finally:
            await service.aclose()
            await control.aclose()


async def ask(url: str, **form: str) -> ElementTree.Element:
    """Fetch a document as Twilio does."""
    async with aiohttp.ClientSession() as web, web.post(url, data={"CallSid": "live", **form}) as answer:
        assert answer.status == 200
        return ElementTree.fromstring(await answer.text())[0]


async def stream(service: Service, parameters: str) -> Phone:
    phone = Phone(Ears(await connect(f"ws://127.0.0.1:{service.port}/twilio/stream")), TwilioCarrierProtocol())
    phone.start("live", headers=parameters)
    return phone


async def test_a_caller_is_put_through_and_comes_back_from_a_busy_line() -> None:
    api = FakeTwilio()
    async with office(api) as service:
        body = b64encode(orjson.dumps({"to": "+15550009"})).decode()
        phone = await stream(service, f"body={body};from=+15550001;to=+15550002")
        await until(lambda: bool(api.asked))
        url = api.asked[0].given["Url"]
        assert urlsplit(url).path == "/twilio/callback/transfer"
        await phone.hang_up()
        await until(lambda: handing.LOG == [HandoverOutcome.CONNECTED])
        dialling = await ask(url, CallStatus="in-progress")
        assert (dialling.tag, dialling.get("callerId")) == ("Dial", "+15550002")
        assert [(each.tag, each.text) for each in dialling] == [("Number", "+15550009")]
        back = await ask(str(dialling.get("action")), DialCallStatus="busy", CallStatus="in-progress")
        given = ";".join(f"{each.get('name')}={each.get('value')}" for each in back.iter("Parameter"))
        phone = await stream(service, given)
        await until(lambda: len(handing.LOG) == 2)
        assert handing.LOG[1][:2] == ("came back", HandoverOutcome.BUSY)
        phone.ears.websocket.abort()
