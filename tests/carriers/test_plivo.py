from __future__ import annotations

from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

import pytest
from plivo.utils import validate_v3_signature

from mediasrv.audio.format import L16_16K, MULAW_8K
from mediasrv.carriers.base import Happening
from mediasrv.carriers.options import PlivoOptions
from mediasrv.carriers.plivo import TOKEN_S, PlivoCarrier, read_webhook
from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.events import StreamStarted
from mediasrv.wire.signature import check_stream_token, sign_v3

ORIGIN = "https://voice.example.in"
TOKEN = "test_token_0123456789"
NONCE = "05429567804466091622"
CALL = "11111111-2222-4333-8444-555555555555"
BODY = "eyJhIjogIjw+JiJ9+/=="


@pytest.fixture
def plivo() -> PlivoCarrier:
    return PlivoCarrier(PlivoOptions(auth_token=TOKEN))


def query_of(document: str) -> dict[str, list[str]]:
    stream = ElementTree.fromstring(document).find("Stream")
    assert stream is not None
    assert stream.text is not None
    return parse_qs(urlsplit(stream.text).query)


def test_the_answer_opens_a_two_way_stream_that_keeps_the_call(plivo: PlivoCarrier) -> None:
    response = ElementTree.fromstring(plivo.answer(ORIGIN, CALL, "", "", 0.0))
    assert response.tag == "Response"
    assert [element.tag for element in response] == ["Stream"]
    stream = response[0]
    assert stream.attrib == {
        "bidirectional": "true",
        "keepCallAlive": "true",
        "contentType": "audio/x-mulaw;rate=8000",
        "streamTimeout": "86400",
        "audioTrack": "inbound",
        "statusCallbackUrl": f"{ORIGIN}/plivo/callback/status",
        "statusCallbackMethod": "POST",
    }
    assert (stream.text or "").startswith("wss://voice.example.in/plivo/stream?call=11111111-2222")


def test_agent_and_body_travel_whole(plivo: PlivoCarrier) -> None:
    query = query_of(plivo.answer("http://127.0.0.1:8080", CALL, "sales & <more>", BODY, 1000.0))
    assert query["agent"] == ["sales & <more>"]
    assert query["body"] == [BODY]
    assert query["call"] == [CALL]
    check_stream_token(TOKEN.encode(), query["token"][0], CALL, 1000.0 + TOKEN_S - 1)
    with pytest.raises(SignatureError):
        check_stream_token(TOKEN.encode(), query["token"][0], CALL, 1000.0 + TOKEN_S)


def test_a_plain_origin_gives_a_plain_socket_and_nothing_to_say_gives_no_query() -> None:
    plivo = PlivoCarrier(PlivoOptions(verify_signatures=False))
    stream = ElementTree.fromstring(plivo.answer("http://127.0.0.1:8080", "", "", "", 0.0))[0]
    assert stream.text == "ws://127.0.0.1:8080/plivo/stream"


def test_a_body_that_makes_the_url_too_long_stays_behind(plivo: PlivoCarrier, caplog: pytest.LogCaptureFixture) -> None:
    document = plivo.answer(ORIGIN, CALL, "sales", "x" * 2048, 0.0)
    assert "body" not in query_of(document)
    assert query_of(document)["agent"] == ["sales"]
    assert "too long" in caplog.text


def test_the_busy_document_speaks_and_hangs_up() -> None:
    plivo = PlivoCarrier(PlivoOptions(verify_signatures=False, busy_message="व्यस्त & busy"))
    response = ElementTree.fromstring(plivo.busy)
    assert [(element.tag, element.text) for element in response] == [("Speak", "व्यस्त & busy"), ("Hangup", None)]


def test_nothing_is_an_empty_document(plivo: PlivoCarrier) -> None:
    assert list(ElementTree.fromstring(plivo.nothing)) == []


def test_a_busy_message_that_xml_cannot_hold_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="busy_message"):
        PlivoCarrier(PlivoOptions(verify_signatures=False, busy_message="bell\a"))


def test_asking_for_signatures_without_a_secret_is_said_at_once(caplog: pytest.LogCaptureFixture) -> None:
    plivo = PlivoCarrier(PlivoOptions())
    assert "plivo.auth_token_env" in caplog.text
    with pytest.raises(SignatureError):
        plivo.verify_webhook("GET", f"{ORIGIN}/plivo/answer", [], {})


def test_the_stream_is_taken_to_be_what_we_asked_for_unless_it_says() -> None:
    plivo = PlivoCarrier(PlivoOptions(verify_signatures=False, content_type="audio/x-l16;rate=16000"))
    bare = '{"event":"start","start":{"callId":"c","streamId":"s"}}'
    told = '{"event":"start","start":{"callId":"c","streamId":"s","mediaFormat":{"encoding":"audio/x-mulaw"}}}'
    for message, audio in ((bare, L16_16K), (told, MULAW_8K)):
        (started,) = plivo.protocol().receive(message)
        assert isinstance(started, StreamStarted)
        assert started.format == audio


def signed(method: str, url: str, form: dict[str, str] | None = None) -> list[tuple[str, str]]:
    signature = sign_v3(TOKEN, method, url, NONCE, form)
    return [("X-Plivo-Signature-V3", signature), ("X-Plivo-Signature-V3-Nonce", NONCE)]


def test_a_webhook_must_be_signed(plivo: PlivoCarrier) -> None:
    form = {"CallUUID": "abc", "From": "15550001", "To": "15550002"}
    url = f"{ORIGIN}/plivo/answer"
    headers = signed("POST", url, form)
    assert validate_v3_signature("POST", url, NONCE, TOKEN, headers[0][1], dict(form))
    fields = {name: [value] for name, value in form.items()}
    plivo.verify_webhook("POST", url, headers, fields)
    for broken in (
        ("POST", f"{ORIGIN}/plivo/other", headers, fields),
        ("POST", url, headers, {**fields, "From": ["15550003"]}),
        ("POST", url, headers[:1], fields),
        ("POST", url, [], fields),
    ):
        with pytest.raises(SignatureError):
            plivo.verify_webhook(*broken)


def test_a_stream_must_be_signed_and_bring_its_token(plivo: PlivoCarrier) -> None:
    document = ElementTree.fromstring(plivo.answer(ORIGIN, CALL, "", "", 1000.0))
    url = document[0].text or ""
    token = parse_qs(urlsplit(url).query)["token"][0]
    headers = signed("GET", url)
    plivo.verify_stream(url, headers, CALL, token, 1001.0)
    plivo.verify_stream(url.replace("wss", "https"), headers, CALL, token, 1001.0)
    for broken in (
        (url, headers, CALL, token, 1000.0 + TOKEN_S),
        (url, headers, CALL, "", 1001.0),
        (url, headers, "another", token, 1001.0),
        (url, headers, "", token, 1001.0),
        (url, [], CALL, token, 1001.0),
        (url + "&agent=other", headers, CALL, token, 1001.0),
    ):
        with pytest.raises(SignatureError):
            plivo.verify_stream(*broken)


def test_nothing_is_asked_for_when_signatures_are_off() -> None:
    plivo = PlivoCarrier(PlivoOptions(verify_signatures=False))
    plivo.verify_webhook("GET", "", [], {})
    plivo.verify_stream("", [], "", "", 0.0)
    assert not plivo.verifies


@pytest.mark.parametrize(
    ("fields", "happening"),
    [
        ({"Event": "StartApp", "CallStatus": "in-progress"}, Happening.ANSWERED),
        ({"Event": "Ring", "CallStatus": "ringing"}, Happening.RINGING),
        ({"Event": "Hangup", "CallStatus": "completed"}, Happening.ENDED),
        ({"Event": "Hangup"}, Happening.ENDED),
        ({"CallStatus": "no-answer"}, Happening.ENDED),
        ({"Event": "MachineDetection", "CallStatus": "in-progress"}, Happening.MACHINE),
        ({"Event": "StartStream", "StreamID": "s"}, Happening.STREAM_STARTED),
        ({"Event": "started", "StreamID": "s"}, Happening.STREAM_STARTED),
        ({"Event": "StopStream", "StreamID": "s"}, Happening.STREAM_ENDED),
        ({"Event": "stopped", "StreamID": "s"}, Happening.STREAM_ENDED),
        ({"Event": "DroppedStream", "StreamID": "s"}, Happening.STREAM_ENDED),
        ({"Event": "failed", "StreamID": "s"}, Happening.STREAM_ENDED),
        ({"Event": "DegradedStream", "StreamID": "s"}, Happening.OTHER),
        ({}, Happening.OTHER),
    ],
)
def test_webhooks_tell_what_happens_in_both_spellings(fields: dict[str, str], happening: Happening) -> None:
    assert read_webhook(fields).happening is happening


@pytest.mark.parametrize(("word", "machine"), [("true", True), ("False", False), ("", None), ("maybe", None)])
def test_a_machine_is_one_only_where_the_carrier_says_so(word: str, machine: bool | None) -> None:
    assert read_webhook({"Event": "MachineDetection", "Machine": word}).machine is machine


def test_the_cause_of_an_end_is_the_name_before_the_code() -> None:
    assert read_webhook({"Event": "Hangup", "HangupCause": "NORMAL_CLEARING"}).cause == "NORMAL_CLEARING"
    named = {"Event": "Hangup", "HangupCause": "X", "HangupCauseName": "Busy Line"}
    assert read_webhook(named).cause == "Busy Line"


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("919812345678", "+919812345678"),
        ("+919812345678", "+919812345678"),
        (" 919812345678", "+919812345678"),
        ("sip:ann@example.in", "sip:ann@example.in"),
        ("anonymous", "anonymous"),
        ("112", "112"),
        ("", ""),
    ],
)
def test_numbers_are_read_as_e164(given: str, read: str) -> None:
    webhook = read_webhook({"From": given, "To": given, "CallUUID": CALL})
    assert (webhook.from_number, webhook.to_number, webhook.call_id) == (read, read, CALL)


@pytest.mark.parametrize(
    ("word", "direction"),
    [("outbound", "outbound"), ("inbound", "inbound"), ("Outbound", ""), ("sideways", ""), ("", "")],
)
def test_who_has_called_is_what_the_carrier_says(word: str, direction: str) -> None:
    assert read_webhook({"CallUUID": CALL, "Direction": word}).direction == direction
    assert read_webhook({"CallUUID": CALL}).direction == ""
