from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.carriers.base import Happening
from mediasrv.carriers.options import TelnyxOptions
from mediasrv.carriers.telnyx import (
    TOKEN_HEADER,
    TOKEN_S,
    TelnyxCarrier,
    fields_of,
    read_webhook,
)
from mediasrv.carriers.telnyx_rest import client_state, read_client_state
from mediasrv.errors import ConfigError, SignatureError
from tests import naive

ORIGIN = "https://voice.example.in"
SECRET = bytes(range(32))
KEY = b64encode(naive.public_key_ed25519(SECRET)).decode()
CALL = "v3:call-1"


@pytest.fixture
def telnyx() -> TelnyxCarrier:
    return TelnyxCarrier(TelnyxOptions(api_key="KEY", public_key=KEY))


def told(event: str, **payload: Any) -> dict[str, str]:
    return fields_of({"data": {"event_type": event, "id": "w1", "payload": {"call_control_id": CALL, **payload}}})


def test_the_stream_is_asked_for_with_its_codec_both_ways_and_a_token(telnyx: TelnyxCarrier) -> None:
    command = orjson.loads(telnyx.answer(ORIGIN, CALL, "sales", "e30=", 1000.0))
    url = urlsplit(command["stream_url"])
    assert (url.scheme, url.netloc, url.path) == ("wss", "voice.example.in", "/telnyx/stream")
    assert parse_qs(url.query) == {"call": [CALL], "agent": ["sales"], "body": ["e30="]}
    token = command["stream_auth_token"]
    assert {name: value for name, value in command.items() if name not in ("stream_url", "stream_auth_token")} == {
        "stream_track": "inbound_track",
        "stream_bidirectional_mode": "rtp",
        "stream_bidirectional_codec": "PCMU",
        "stream_bidirectional_sampling_rate": 8000,
        "stream_codec": "PCMU",
    }
    telnyx.verify_stream(ORIGIN, [(TOKEN_HEADER.title(), token)], CALL, "", 1000.0)
    for call, brought, now_s in (
        ("", token, 1000.0),
        ("v3:2", token, 1000.0),
        (CALL, "", 1000.0),
        (CALL, token, 1000.0 + TOKEN_S),
    ):
        with pytest.raises(SignatureError):
            telnyx.verify_stream(ORIGIN, [(TOKEN_HEADER, brought)], call, token, now_s)


def test_wide_samples_have_their_rate() -> None:
    telnyx = TelnyxCarrier(TelnyxOptions(verify_signatures=False, codec="L16"))
    command = orjson.loads(telnyx.answer(ORIGIN, CALL, "", "", 0.0))
    assert (command["stream_bidirectional_codec"], command["stream_bidirectional_sampling_rate"]) == ("L16", 16_000)
    assert "stream_auth_token" not in command


def test_a_webhook_is_let_in_by_its_signature(telnyx: TelnyxCarrier) -> None:
    signature = b64encode(naive.sign_ed25519(SECRET, b"1000|{}")).decode()
    headers = [("telnyx-timestamp", "1000"), ("telnyx-signature-ed25519", signature)]
    telnyx.verify_body(headers, b"{}", 1001.0)
    with pytest.raises(SignatureError):
        telnyx.verify_body(headers, b"{ }", 1001.0)
    with pytest.raises(SignatureError):
        telnyx.verify_webhook("POST", ORIGIN, headers, {})


def test_nothing_is_asked_for_when_signatures_are_off() -> None:
    telnyx = TelnyxCarrier(TelnyxOptions(verify_signatures=False))
    telnyx.verify_webhook("POST", "", [], {})
    telnyx.verify_stream("", [], "", "", 0.0)
    telnyx.verify_start("", "", 0.0)
    assert telnyx.control is telnyx.keypad is None
    assert telnyx.read_webhook({"call_control_id": CALL}).call_id == CALL


def test_a_key_that_is_none_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="public_key"):
        TelnyxCarrier(TelnyxOptions(api_key="KEY"))


@pytest.mark.parametrize(
    ("event", "happening"),
    [
        ("call.initiated", Happening.RINGING),
        ("call.answered", Happening.ANSWERED),
        ("call.hangup", Happening.ENDED),
        ("streaming.started", Happening.STREAM_STARTED),
        ("streaming.stopped", Happening.STREAM_ENDED),
        ("streaming.failed", Happening.STREAM_ENDED),
        ("call.machine.detection.ended", Happening.MACHINE),
        ("call.recording.saved", Happening.RECORDED),
        ("call.dtmf.received", Happening.OTHER),
        ("", Happening.OTHER),
    ],
)
def test_webhooks_tell_what_happens(event: str, happening: Happening) -> None:
    webhook = read_webhook(told(event))
    assert (webhook.happening, webhook.event, webhook.call_id) == (happening, event, CALL)


def test_a_webhook_names_the_parties_the_cause_and_the_recording() -> None:
    call = read_webhook(told("call.initiated", **{"from": "+15550001", "to": "+15550002", "direction": "incoming"}))
    assert (call.from_number, call.to_number, call.direction) == ("+15550001", "+15550002", "inbound")
    assert read_webhook(told("call.initiated", direction="outgoing")).direction == "outbound"
    assert read_webhook(told("call.hangup", hangup_cause="user_busy")).cause == "user_busy"
    saved = told("call.recording.saved", recording_id="r1", recording_urls={"wav": "https://s/r1.wav"})
    assert (read_webhook(saved).recording_id, read_webhook(saved).recording_url) == ("r1", "https://s/r1.wav")
    times = {"recording_started_at": "2026-11-21T10:00:00.5Z", "recording_ended_at": "2026-11-21T10:00:02Z"}
    assert read_webhook(saved | times).recording_ms == 1500
    times["recording_started_at"] = "2026-11-21T10:00:00"
    assert read_webhook(saved | times).recording_ms == read_webhook(saved).recording_ms == 0


@pytest.mark.parametrize(
    ("result", "machine"), [("human", False), ("machine", True), ("fax_detected", True), ("not_sure", None), ("", None)]
)
def test_a_machine_is_one_only_where_telnyx_says_so(result: str, machine: bool | None) -> None:
    assert read_webhook(told("call.machine.detection.ended", result=result)).machine is machine


@pytest.mark.parametrize("document", [None, [], {}, {"data": 7}, {"data": {}}, {"data": {"payload": []}}])
def test_what_is_no_webhook_has_no_fields(document: Any) -> None:
    assert fields_of(document) == {}


def test_only_texts_are_fields() -> None:
    fields = fields_of({"data": {"event_type": 7, "id": None, "payload": {"a": "1", "b": 2, "recording_urls": []}}})
    assert fields == {"a": "1", "event_type": "", "id": ""}


@given(st.text(), st.text())
def test_what_telnyx_is_given_along_comes_back(agent: str, body: str) -> None:
    state = client_state(agent, body, "inbound")
    assert read_client_state(state) == {"agent": agent, "body": body, "direction": "inbound"}


@pytest.mark.parametrize("text", ["", "###", b64encode(b"{").decode(), b64encode(b"[1]").decode(), "W10="])
def test_a_state_that_is_not_ours_says_nothing(text: str) -> None:
    assert read_client_state(text) == {}
