from __future__ import annotations

from xml.etree import ElementTree

import pytest

from mediasrv.call.control import HandoverOutcome
from mediasrv.carriers.base import HandoverDocuments, Happening
from mediasrv.carriers.options import TwilioOptions
from mediasrv.carriers.twilio import TOKEN_S, TwilioCarrier, read_webhook
from mediasrv.errors import SignatureError
from mediasrv.wire.twilio_signature import sign_twilio

ORIGIN = "https://voice.example.in"
TOKEN = "twilio_token_0123456789"
CALL = "CA00000000000000000000000000000001"


@pytest.fixture
def twilio() -> TwilioCarrier:
    return TwilioCarrier(TwilioOptions(auth_token=TOKEN))


def parameters_of(document: str) -> dict[str, str]:
    return {
        str(each.get("name")): str(each.get("value")) for each in ElementTree.fromstring(document).iter("Parameter")
    }


def test_the_answer_connects_a_stream_whose_url_has_no_query(twilio: TwilioCarrier) -> None:
    answer = ElementTree.fromstring(twilio.answer(ORIGIN, CALL, "sales", "e30=", 0.0))
    assert [each.tag for each in answer.iter()][:3] == ["Response", "Connect", "Stream"]
    stream = answer[0][0]
    assert stream.attrib == {
        "url": "wss://voice.example.in/twilio/stream",
        "statusCallback": f"{ORIGIN}/twilio/callback/status",
        "statusCallbackMethod": "POST",
    }


def test_agent_body_and_token_travel_as_parameters(twilio: TwilioCarrier) -> None:
    given = parameters_of(twilio.answer(ORIGIN, CALL, "sales", "e30=", 1000.0))
    assert (given["agent"], given["body"]) == ("sales", "e30=")
    twilio.verify_start(CALL, given["token"], 1000.0 + TOKEN_S - 1)
    for call, token, now_s in (
        ("another", given["token"], 1000.0),
        (CALL, "", 1000.0),
        (CALL, given["token"] + "x", 1000.0),
        (CALL, given["token"], 1000.0 + TOKEN_S),
    ):
        with pytest.raises(SignatureError):
            twilio.verify_start(call, token, now_s)


def test_a_body_too_long_for_a_parameter_is_left_out(twilio: TwilioCarrier, caplog: pytest.LogCaptureFixture) -> None:
    assert "body" not in parameters_of(twilio.answer(ORIGIN, CALL, "", "x" * 600, 0.0))
    assert "too long" in caplog.text


def test_a_busy_line_apologises_and_hangs_up(twilio: TwilioCarrier) -> None:
    busy = ElementTree.fromstring(twilio.busy)
    assert [each.tag for each in busy] == ["Say", "Hangup"]
    assert busy[0].text == TwilioOptions().busy_message
    assert list(ElementTree.fromstring(twilio.nothing)) == []


def test_webhooks_and_upgrades_are_let_in_by_their_signature(twilio: TwilioCarrier) -> None:
    url, form = f"{ORIGIN}/twilio/answer", {"CallSid": [CALL]}
    twilio.verify_webhook("POST", url, [("x-twilio-signature", sign_twilio(TOKEN, url, form))], form)
    stream = f"{ORIGIN}/twilio/stream"
    signature = sign_twilio(TOKEN, stream.replace("https", "wss"))
    twilio.verify_stream(stream, [("x-twilio-signature", signature)], "", "", 0.0)
    with pytest.raises(SignatureError):
        twilio.verify_webhook("POST", url, [], form)
    with pytest.raises(SignatureError):
        twilio.verify_stream(stream, [("x-twilio-signature", signature)][:0], "", "", 0.0)


def test_nothing_is_asked_for_when_signatures_are_off() -> None:
    twilio = TwilioCarrier(TwilioOptions(verify_signatures=False))
    twilio.verify_webhook("GET", "", [], {})
    twilio.verify_stream("", [], "", "", 0.0)
    twilio.verify_start("", "", 0.0)
    assert not twilio.verifies
    assert "token" not in parameters_of(twilio.answer(ORIGIN, CALL, "", "", 0.0))
    assert twilio.read_webhook({"CallSid": CALL}).call_id == CALL


@pytest.mark.parametrize(
    ("fields", "happening"),
    [
        ({"CallStatus": "ringing"}, Happening.RINGING),
        ({"CallStatus": "in-progress"}, Happening.ANSWERED),
        ({"CallStatus": "completed"}, Happening.ENDED),
        ({"CallStatus": "busy"}, Happening.ENDED),
        ({"CallStatus": "failed"}, Happening.ENDED),
        ({"CallStatus": "no-answer"}, Happening.ENDED),
        ({"CallStatus": "canceled"}, Happening.ENDED),
        ({"CallStatus": "queued"}, Happening.OTHER),
        ({"StreamEvent": "stream-started", "StreamSid": "MZ1"}, Happening.STREAM_STARTED),
        ({"StreamEvent": "stream-stopped", "StreamSid": "MZ1"}, Happening.STREAM_ENDED),
        ({"StreamEvent": "stream-error", "StreamSid": "MZ1"}, Happening.STREAM_ENDED),
        ({"StreamEvent": "stream-danced", "StreamSid": "MZ1"}, Happening.OTHER),
        ({"RecordingSid": "RE1", "RecordingStatus": "completed"}, Happening.RECORDED),
        ({"RecordingSid": "RE1", "RecordingStatus": "in-progress"}, Happening.OTHER),
        ({"AnsweredBy": "human", "MachineDetectionDuration": "900"}, Happening.MACHINE),
        (
            {"AnsweredBy": "human", "MachineDetectionDuration": "900", "CallStatus": "completed"},
            Happening.ENDED,
        ),
        ({}, Happening.OTHER),
    ],
)
def test_webhooks_tell_what_happens(fields: dict[str, str], happening: Happening) -> None:
    assert read_webhook(fields).happening is happening


def test_a_webhook_names_the_call_and_its_parties() -> None:
    fields = {"CallSid": CALL, "From": " +15550001", "To": "+15550002", "Direction": "inbound", "CallStatus": "ringing"}
    webhook = read_webhook(fields)
    assert (webhook.call_id, webhook.from_number, webhook.to_number) == (CALL, "+15550001", "+15550002")
    assert (webhook.direction, webhook.event) == ("inbound", "ringing")
    assert read_webhook(fields | {"CallSid": "x" * 500}).call_id == ""


@pytest.mark.parametrize(
    ("word", "direction"),
    [("outbound-api", "outbound"), ("outbound-dial", "outbound"), ("inbound", "inbound"), ("", "")],
)
def test_who_has_called_is_what_twilio_says(word: str, direction: str) -> None:
    assert read_webhook({"Direction": word}).direction == direction


@pytest.mark.parametrize(
    ("word", "machine"), [("human", False), ("machine_start", True), ("fax", True), ("unknown", None), ("", None)]
)
def test_a_machine_is_one_only_where_twilio_says_so(word: str, machine: bool | None) -> None:
    assert read_webhook({"AnsweredBy": word}).machine is machine


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"DialCallStatus": "completed", "CallStatus": "in-progress"}, HandoverOutcome.CONNECTED),
        ({"DialCallStatus": "busy"}, HandoverOutcome.BUSY),
        ({"DialCallStatus": "no-answer"}, HandoverOutcome.NO_ANSWER),
        ({"CallStatus": "canceled"}, HandoverOutcome.NO_ANSWER),
        ({"DialCallStatus": "failed"}, HandoverOutcome.FAILED),
        ({}, HandoverOutcome.FAILED),
    ],
)
def test_what_became_of_a_leg_is_read(twilio: TwilioCarrier, fields: dict[str, str], outcome: HandoverOutcome) -> None:
    assert twilio.read_outcome(fields) is outcome


def test_a_call_can_be_handed_over(twilio: TwilioCarrier) -> None:
    assert isinstance(twilio, HandoverDocuments)
    assert twilio.protocol().carrier == "twilio"
    assert [each.tag for each in ElementTree.fromstring(twilio.hang_up)] == ["Hangup"]
