"""What a carrier tells of its calls besides their documents, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from mediasrv.carriers.options import PlivoOptions, TwilioOptions
from mediasrv.carriers.twilio import TwilioCarrier
from mediasrv.server.options import ServerOptions
from mediasrv.server.repeats import LIFE_S
from mediasrv.turn.callee import Kind
from mediasrv.wire.signature import sign_v3
from mediasrv.wire.twilio_signature import sign_twilio
from tests.patience import until
from tests.server.stage import STREAM, Stage, stage

AMD = {"CallUUID": "call-1", "Event": "MachineDetection", "Machine": "true", "CallStatus": "in-progress"}


async def test_who_has_picked_up_reaches_the_live_call() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        assert (await there.post("/plivo/callback/machine", AMD))[0] == 200
        assert (await there.post("/plivo/callback/machine", {**AMD, "Machine": "false"}))[0] == 200
        assert (await there.post("/plivo/callback/machine", {**AMD, "Machine": "maybe"}))[0] == 200
        assert there.agency.calls[0].callees == [Kind.MACHINE, Kind.HUMAN]


async def test_and_a_call_whose_stream_is_yet_to_come() -> None:
    async with stage() as there:
        await there.post("/plivo/callback/machine", {**AMD, "CallUUID": "nobody knows it"})
        await there.post("/plivo/answer", {"CallUUID": "call-1"})
        await there.post("/plivo/callback/machine", AMD)
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        assert there.agency.calls[0].callees == [Kind.MACHINE]


async def test_a_recording_of_the_carriers_is_told_of_in_both_spellings() -> None:
    async with stage() as there:
        told: list[tuple[str, str, str, int]] = []
        there.service._calls.on_recorded = lambda *recording: told.append(recording)
        api = {"call_uuid": "call-1", "recording_id": "r-1", "record_url": "https://media.plivo.com/1.wav"}
        xml = {"CallUUID": "call-1", "RecordingID": "r-2", "RecordUrl": "https://media.plivo.com/2.wav"}
        api["recording_duration_ms"], xml["RecordingDurationMs"] = "1500", "-1"
        for fields in (api, xml):
            assert (await there.post("/plivo/callback/details", fields))[0] == 200
        assert told == [("call-1", "r-1", api["record_url"], 1500), ("call-1", "r-2", xml["RecordUrl"], 0)]


async def test_the_question_of_a_call_that_is_over_gets_no_stream() -> None:
    async with stage() as there:
        await there.post("/plivo/callback/status", {"CallUUID": "call-1", "Event": "Hangup", "CallStatus": "completed"})
        _, document = await there.post("/plivo/answer", {"CallUUID": "call-1", "Event": "StartApp"})
        assert "Stream" not in document
        _, document = await there.post("/plivo/answer", {"CallUUID": "call-2", "Event": "StartApp"})
        assert "Stream" in document


def signed(there: Stage, path: str, form: Mapping[str, str], nonce: str) -> dict[str, str]:
    """The headers of a request of Plivo's."""
    signature = sign_v3("t", "POST", there.http + path, nonce, form)
    return {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": nonce}


async def test_a_webhook_that_was_signed_counts_once() -> None:
    async with stage(plivo=PlivoOptions(auth_token="t")) as there:
        ring, path = {"CallUUID": "call-1", "Event": "Ring"}, "/plivo/callback/status"
        assert (await there.post(path, ring, signed(there, path, ring, "n-1")))[0] == 200
        for form in ({**ring, "CallUUID": "call-2"}, {**ring, "Event": "Hangup"}):
            assert await there.post(path, form, signed(there, path, form, "n-1")) == (403, "forbidden\n")
        assert (await there.post(path, ring, {**signed(there, path, ring, "n-1"), "X-Plivo-Signature-V3": "x"}))[
            0
        ] == 403


async def test_a_webhook_that_comes_twice_is_answered_twice_and_acts_once() -> None:
    async with stage(ServerOptions(port=0, max_calls=1), PlivoOptions(auth_token="t")) as there:
        told: list[object] = []
        there.service._calls.on_webhook = lambda webhook, tag: told.append(webhook)
        form, path = {"CallUUID": "call-1", "Event": "StartApp"}, "/plivo/answer"
        headers = signed(there, path, form, "n-1")
        answers = await asyncio.gather(*(there.post(path, form, headers) for _ in range(3)))
        assert len(set(answers)) == 1
        assert "<Stream" in answers[0][1]
        assert (len(told), there.agency.prepared) == (1, ["default"])
        # What is refused is so once more, too.
        form = {"CallUUID": "call-2"}
        missing = [
            await there.post(
                "/plivo/answer?agent=nobody", form, signed(there, "/plivo/answer?agent=nobody", form, "n-2")
            )
            for _ in range(2)
        ]
        assert missing == [(404, "there is no such agent\n")] * 2


async def test_a_webhook_that_comes_much_later_is_a_replay(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(plivo=PlivoOptions(auth_token="t")) as there:
        form, path = {"CallUUID": "call-1", "Event": "StartApp"}, "/plivo/answer"
        headers = signed(there, path, form, "n-1")
        assert (await there.post(path, form, headers))[0] == 200
        now = asyncio.get_running_loop().time
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now() + LIFE_S)
        assert await there.post(path, form, headers) == (403, "forbidden\n")


async def test_twilios_webhook_that_comes_twice_is_answered_twice_and_acts_once() -> None:
    twilio = TwilioCarrier(TwilioOptions(auth_token="t"))
    async with stage(others=[twilio]) as there:
        told: list[object] = []
        there.service._calls.on_webhook = lambda webhook, tag: told.append(webhook)
        form = {"CallSid": "CA1", "From": "+15550001", "CallStatus": "ringing", "Direction": "inbound"}
        headers = {"X-Twilio-Signature": sign_twilio("t", f"{there.http}/twilio/answer", form)}
        first, second = [await there.post("/twilio/answer", form, headers) for _ in range(2)]
        assert (first, first[0], len(told)) == (second, 200, 1)
        assert await there.post("/twilio/answer", {**form, "CallSid": "CA2"}, headers) == (403, "forbidden\n")


async def test_all_calls_of_a_forwarding_agent_go_elsewhere_and_take_no_room() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        for number in range(3):
            answer = await there.post("/plivo/answer?agent=pbx", {"CallUUID": f"call-{number}"})
            assert answer == (
                200,
                '<Response><Dial timeLimit="14400" timeout="30"><User>sip:pbx@example.in</User></Dial></Response>',
            )
        _, document = await there.post("/plivo/answer", {"CallUUID": "call-9"})
        assert "Stream" in document


async def test_a_server_that_is_full_puts_callers_through_to_where_there_is_room() -> None:
    plivo = PlivoOptions(verify_signatures=False, overflow="+912212345678")
    async with stage(ServerOptions(port=0, max_calls=1), plivo) as there:
        await there.post("/plivo/answer", {"CallUUID": "call-1"})
        _, document = await there.post("/plivo/answer", {"CallUUID": "call-2"})
        assert "<Number>+912212345678</Number>" in document


async def test_a_caller_whose_answer_did_not_come_hears_so() -> None:
    plivo = PlivoOptions(verify_signatures=False, failure_message="Call again.")
    async with stage(plivo=plivo) as there:
        for answer in (await there.post("/plivo/fallback", {"CallUUID": "c"}), await there.get("/plivo/fallback")):
            assert answer[0] == 200
            assert "Call again.</Speak><Hangup/>" in answer[1]


async def test_a_webhook_for_another_host_is_refused() -> None:
    plivo = PlivoOptions(auth_token="t")
    async with stage(ServerOptions(port=0, public_url="https://voice.example.in"), plivo) as there:
        form = {"CallUUID": "call-1", "Event": "StartApp"}
        for number, origin in enumerate(("https://voice.example.com", there.http, "https://voice.example.in:8443")):
            signature = sign_v3("t", "POST", f"{origin}/plivo/answer", str(number), form)
            headers = {"X-Plivo-Signature-V3": signature, "X-Plivo-Signature-V3-Nonce": str(number)}
            assert await there.post("/plivo/answer", form, headers) == (403, "forbidden\n")


async def test_callbacks_may_come_twice_in_any_order_and_of_calls_that_nobody_knows() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        ended = {"CallUUID": "call-1", "Event": "Hangup", "CallStatus": "completed"}
        ring = {"CallUUID": "call-1", "Event": "Ring", "CallStatus": "ringing"}
        stopped = {"CallUUID": "call-1", "StreamID": "stream of call-1", "Event": "StopStream"}
        for fields in (ended, ring, stopped, ended, ring, {**ended, "CallUUID": "nobody"}, {**ended, "CallUUID": ""}):
            assert (await there.post("/plivo/callback/status", fields))[0] == 200
        await phone.end()
        # The end of a call without a name is not the end of all that have none.
        assert "Stream" in (await there.post("/plivo/answer", {}))[1]
        assert [call.ended.result() for call in there.agency.calls] == ["caller hung up"]


@pytest.mark.parametrize(
    ("event", "counted"), [("StartStream", "StartStream"), ("", "none"), ("+919812345670", "other")]
)
async def test_what_is_no_event_is_not_counted_by_its_words(event: str, counted: str) -> None:
    async with stage() as there:
        await there.post("/plivo/callback/status", {"CallUUID": "call-1", "Event": event})
        async with there.session.get(f"{there.http}/metrics") as response:
            rows = [row for row in (await response.text()).splitlines() if "callback" in row and row[0] != "#"]
        assert any(f'"{counted}"' in row for row in rows)
        assert "98123" not in "".join(rows)


async def after(there: Stage, call_id: str = "call-1", query: str = "") -> str:
    """What the carrier is told that asks how a call goes on whose stream is over."""
    status, document = await there.post(f"/plivo/after?call={call_id}{query}", {"CallUUID": call_id, "From": "+911"})
    assert status == 200
    return document


async def test_a_caller_whose_stream_breaks_has_another_and_then_a_goodbye() -> None:
    async with stage(ServerOptions(port=0, max_calls=1)) as there:
        _, document = await there.post("/plivo/answer?agent=sales+team", {"CallUUID": "call-1"})
        assert "/plivo/after?call=call-1&amp;agent=sales+team</Redirect>" in document
        phone = await there.phone(f"{STREAM}?call=call-1")
        phone.start("call-1")
        await phone.echo()
        phone.ears.websocket.abort()
        await until(lambda: not there.service._calls.is_live("call-1"))
        # Somebody else has the only slot by now.
        assert "Stream" in (await there.post("/plivo/answer", {"CallUUID": "call-2"}))[1]
        document = await after(there, query="&agent=sales+team")
        assert "agent=sales+team" in document
        assert "last=1</Redirect>" in document
        phone = await there.phone(f"{STREAM}?call=call-1&agent=sales+team")
        phone.start("call-1")
        await phone.echo()
        phone.ears.websocket.abort()
        await until(lambda: not there.service._calls.is_live("call-1"))
        document = await after(there, query="&last=1")
        assert "something went wrong" in document
        assert "<Hangup" in document


async def test_who_was_bidden_goodbye_or_hung_up_is_not_called_back() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start("call-1")
        await phone.echo()
        phone.press("#")
        await phone.end()
        assert "Stream" not in await after(there)
        phone = await there.phone()
        phone.start("call-2")
        await phone.echo()
        await phone.hang_up()
        assert "<Hangup" in await after(there, "call-2")
        assert "<Hangup" in await after(there, "nobody knows it")
        phone = await there.phone()
        phone.start("call-3")
        await phone.echo()
        phone.ears.websocket.abort()
        await there.post("/plivo/callback/status", {"CallUUID": "call-3", "Event": "Hangup"})
        assert "<Hangup" in await after(there, "call-3")
        ended = {"CallUUID": "call-4", "Event": "Hangup", "CallStatus": "completed"}
        assert "<Hangup" in (await there.post("/plivo/after?call=call-4", ended))[1]


async def test_a_stream_that_never_came_or_that_only_we_believe_in_is_opened_anew() -> None:
    async with stage() as there:
        await there.post("/plivo/answer", {"CallUUID": "call-1"})
        assert "<Stream" in await after(there)
        phone = await there.phone()
        phone.start("call-2")
        await phone.echo()
        assert "<Stream" in await after(there, "call-2")
        assert not there.service._calls.is_live("call-2")


async def test_a_body_that_fits_into_no_url_is_left_out_of_it() -> None:
    async with stage() as there:
        _, document = await there.post(f"/plivo/answer?body={'e30='.ljust(2000, '=')}", {"CallUUID": "call-1"})
        assert "/plivo/after?call=call-1</Redirect>" in document
