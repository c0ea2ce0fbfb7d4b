"""Streams whose URL says nothing: who they are, and for whom, comes with their start."""

from __future__ import annotations

import json
from base64 import b64encode
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest

from mediasrv.audio.format import L16_8K
from mediasrv.carriers.exotel import ExotelCarrier
from mediasrv.carriers.options import ExotelOptions, TwilioOptions
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.net.websocket import HandshakeError
from mediasrv.server.options import ServerOptions
from mediasrv.wire.events import DtmfReceived, StreamStopped
from mediasrv.wire.exotel_carrier import ExotelCarrierProtocol
from mediasrv.wire.twilio_carrier import TwilioCarrierProtocol
from mediasrv.wire.twilio_signature import sign_twilio
from tests.patience import until
from tests.server.stage import Phone, Stage, stage

TOKEN = "twilio_token_0123456789"
PUBLIC = "https://voice.example.in"
STREAM = "/twilio/stream"
OPTIONS = ServerOptions(port=0, public_url=PUBLIC)
SIGNED = {"X-Twilio-Signature": sign_twilio(TOKEN, "wss://voice.example.in/twilio/stream")}
BODY = b64encode(b'{"customer":7}').decode()


def twilio(verify: bool = True) -> TwilioCarrier:
    return TwilioCarrier(TwilioOptions(auth_token=TOKEN, verify_signatures=verify))


async def answered(there: Stage, call_id: str = "CA1", query: str = "") -> str:
    """Fetch the document as Twilio does; the parameters as the stream brings them back."""
    form = {"CallSid": call_id, "From": "+15550001", "To": "+15550002", "CallStatus": "ringing", "Direction": "inbound"}
    path = f"/twilio/answer{query}"
    signature = sign_twilio(TOKEN, PUBLIC + path, form)
    status, document = await there.post(path, form, {"X-Twilio-Signature": signature})
    assert status == 200
    parameters = ElementTree.fromstring(document).iter("Parameter")
    return ";".join(f"{each.get('name')}={each.get('value')}" for each in parameters)


async def dialled(there: Stage) -> Phone:
    return await there.phone(STREAM, SIGNED, TwilioCarrierProtocol())


async def test_agent_body_and_numbers_reach_the_call() -> None:
    async with stage(OPTIONS, others=[twilio()]) as there:
        parameters = await answered(there, query=f"?agent=sales+team&body={BODY}")
        phone = await dialled(there)
        phone.start("CA1", headers=parameters)
        await phone.echo()
        (call,) = there.agency.calls
        assert call.agent == "sales team"
        assert call.details.carrier == "twilio"
        assert call.details.body == {"customer": 7}
        assert (call.details.from_number, call.details.to_number) == ("+15550001", "+15550002")
        phone.write(phone.side.stop())
        assert (await phone.end())[0] == 1000
        assert call.events[-1] == StreamStopped()


@pytest.mark.parametrize("parameters", ["", "token=123.x", "agent=default"])
async def test_a_stream_without_a_token_hears_nothing_and_is_closed(parameters: str) -> None:
    async with stage(OPTIONS, others=[twilio()]) as there:
        await answered(there)
        phone = await dialled(there)
        phone.start("CA1", headers=parameters)
        phone.speak()
        assert await phone.end() == (1008, "the stream token is not valid")
        assert there.agency.calls == []


async def test_a_token_is_for_one_call() -> None:
    async with stage(OPTIONS, others=[twilio()]) as there:
        parameters = await answered(there, "CA1")
        phone = await dialled(there)
        phone.start("CA2", headers=parameters)
        assert await phone.end() == (1008, "the stream token is not valid")


async def test_a_call_has_one_stream() -> None:
    async with stage(OPTIONS, others=[twilio()]) as there:
        parameters = await answered(there)
        first, second = await dialled(there), await dialled(there)
        first.start("CA1", headers=parameters)
        await first.echo()
        second.start("CA1", headers=parameters)
        assert await second.end() == (1008, "the call has a stream already")
        await first.echo()


async def test_an_agent_that_nobody_knows_is_refused_at_the_start() -> None:
    async with stage(others=[twilio(verify=False)]) as there:
        phone = await there.phone(STREAM, side=TwilioCarrierProtocol())
        phone.start(headers="agent=nobody")
        assert await phone.end() == (1008, "there is no such agent")
        with pytest.raises(HandshakeError, match="404"):
            await there.phone(f"{STREAM}?agent=nobody", side=TwilioCarrierProtocol())


async def test_the_url_counts_where_it_says_something() -> None:
    async with stage(others=[twilio(verify=False)]) as there:
        phone = await there.phone(f"{STREAM}?agent=sales+team&body={BODY}", side=TwilioCarrierProtocol())
        phone.start()
        await phone.echo()
        assert (there.agency.calls[0].agent, there.agency.calls[0].details.body) == ("sales team", {"customer": 7})


async def test_an_unsigned_upgrade_is_refused_without_a_detail() -> None:
    async with stage(OPTIONS, others=[twilio()]) as there:
        with pytest.raises(HandshakeError, match="403"):
            await there.phone(STREAM, {"X-Twilio-Signature": "x"}, TwilioCarrierProtocol())
        status, text = await there.post("/twilio/answer", {"CallSid": "CA1"})
        assert (status, text) == (403, "forbidden\n")


async def test_who_was_promised_room_finds_it_and_a_stranger_does_not() -> None:
    full = ServerOptions(port=0, public_url=PUBLIC, max_calls=1)
    async with stage(full, others=[twilio()]) as there:
        parameters = await answered(there, "CA1")
        expected, stranger = await dialled(there), None
        with pytest.raises(HandshakeError, match="503"):
            stranger = await dialled(there)
        assert stranger is None
        expected.start("CA1", headers=parameters)
        await expected.echo()


async def test_a_stranger_in_the_place_of_who_was_promised_is_sent_away_at_the_start() -> None:
    full = ServerOptions(port=0, max_calls=1)
    async with stage(full, others=[twilio(verify=False)]) as there:
        await there.post("/twilio/answer", {"CallSid": "CA1", "CallStatus": "ringing"})
        stranger = await there.phone(STREAM, side=TwilioCarrierProtocol())
        stranger.start("CA2")
        assert await stranger.end() == (1008, "full")
        expected = await there.phone(STREAM, side=TwilioCarrierProtocol())
        expected.start("CA1")
        await expected.echo()


async def test_twilios_word_about_the_end_ends_the_call() -> None:
    async with stage(others=[twilio(verify=False)]) as there:
        phone = await there.phone(STREAM, side=TwilioCarrierProtocol())
        phone.start("CA1")
        await phone.echo()
        await there.post("/twilio/callback/status", {"CallSid": "CA1", "CallStatus": "completed"})
        await until(lambda: there.agency.calls[0].ended.done())
        assert await phone.end() == (1000, "")


async def test_exotel_is_told_where_to_stream_and_comes_there() -> None:
    carrier = ExotelCarrier(ExotelOptions(stream_password="secret"))
    async with stage(others=[carrier]) as there:
        basic = {"Authorization": "Basic " + b64encode(b"exotel:secret").decode()}
        query = "CallSid=C1&CallFrom=09990001111&CallTo=08040002222&Direction=incoming&agent=sales+team"
        status, document = await there.get(f"/exotel/answer?{query}", basic)
        assert status == 200
        url = urlsplit(json.loads(document)["url"])
        assert url.username == "exotel"
        phone = await there.phone(f"{url.path}?{url.query}", basic, ExotelCarrierProtocol())
        phone.start("C1", L16_8K)
        phone.press("5")
        await until(lambda: bool(there.agency.calls and there.agency.calls[0].events))
        (call,) = there.agency.calls
        assert (call.agent, call.details.carrier) == ("sales team", "exotel")
        assert call.events == [DtmfReceived("5")]
        with pytest.raises(HandshakeError, match="403"):
            await there.phone("/exotel/stream", side=ExotelCarrierProtocol())


async def test_exotels_json_about_the_end_ends_the_call() -> None:
    async with stage(others=[ExotelCarrier(ExotelOptions(verify_signatures=False))]) as there:
        phone = await there.phone("/exotel/stream", side=ExotelCarrierProtocol())
        phone.start("C1", L16_8K, "agent=sales team")
        await until(lambda: bool(there.agency.calls))
        word = {"CallSid": "C1", "EventType": "terminal", "Status": "completed", "Legs": []}
        async with there.session.post(f"{there.http}/exotel/callback/status", json=word) as answer:
            assert answer.status == 200
        assert await phone.end() == (1000, "")
        async with there.session.post(f"{there.http}/exotel/callback/status", json=[word]) as answer:
            assert answer.status == 400
