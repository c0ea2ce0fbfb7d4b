from __future__ import annotations

from base64 import b64encode
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest

from mediasrv.carriers.base import Happening
from mediasrv.carriers.exotel import ExotelCarrier, read_webhook
from mediasrv.carriers.options import ExotelOptions
from mediasrv.errors import SignatureError

ORIGIN = "https://voice.example.in"
PASSWORD = "p@ss/word"


@pytest.fixture
def exotel() -> ExotelCarrier:
    return ExotelCarrier(ExotelOptions(stream_password=PASSWORD))


def bringing(credentials: str) -> list[tuple[str, str]]:
    return [("authorization", f"Basic {b64encode(credentials.encode()).decode()}")]


def test_the_answer_is_the_address_with_credentials_agent_and_body(exotel: ExotelCarrier) -> None:
    url = urlsplit(orjson.loads(exotel.answer(ORIGIN, "C1", "sales team", "e30=", 0.0))["url"])
    assert (url.scheme, url.hostname, url.path) == ("wss", "voice.example.in", "/exotel/stream")
    assert (url.username, url.password) == ("exotel", "p%40ss%2Fword")
    assert parse_qs(url.query) == {"agent": ["sales team"], "body": ["e30="]}


def test_another_rate_is_asked_for_in_the_address() -> None:
    exotel = ExotelCarrier(ExotelOptions(verify_signatures=False, sample_rate=16_000))
    assert orjson.loads(exotel.answer(ORIGIN, "C1", "", "", 0.0)) == {
        "url": "wss://voice.example.in/exotel/stream?sample-rate=16000"
    }


def test_a_body_too_long_for_the_address_is_left_out(exotel: ExotelCarrier, caplog: pytest.LogCaptureFixture) -> None:
    url = orjson.loads(exotel.answer(ORIGIN, "C1", "sales", "x" * 300, 0.0))["url"]
    assert url.endswith("/exotel/stream?agent=sales")
    assert "too long" in caplog.text


def test_who_brings_the_credentials_is_let_in(exotel: ExotelCarrier) -> None:
    right = bringing(f"exotel:{PASSWORD}")
    exotel.verify_webhook("GET", ORIGIN, right, {})
    exotel.verify_stream(ORIGIN, right, "", "", 0.0)
    exotel.verify_start("C1", "", 0.0)
    for wrong in ([], bringing("exotel:"), bringing(f"other:{PASSWORD}"), [("authorization", "\udcff")]):
        with pytest.raises(SignatureError, match="do not match"):
            exotel.verify_webhook("GET", ORIGIN, wrong, {})
        with pytest.raises(SignatureError):
            exotel.verify_stream(ORIGIN, wrong, "", "", 0.0)


def test_no_password_lets_nobody_in() -> None:
    with pytest.raises(SignatureError):
        ExotelCarrier(ExotelOptions()).verify_stream(ORIGIN, bringing("exotel:"), "", "", 0.0)


def test_nothing_is_asked_for_when_proofs_are_off() -> None:
    exotel = ExotelCarrier(ExotelOptions(verify_signatures=False))
    exotel.verify_stream("", [], "", "", 0.0)
    assert exotel.read_webhook({"CallSid": "C1"}).call_id == "C1"


@pytest.mark.parametrize(
    ("fields", "happening"),
    [
        ({"CallStatus": "ringing"}, Happening.RINGING),
        ({"CallStatus": "in-progress"}, Happening.ANSWERED),
        ({"EventType": "answered", "Status": "in-progress"}, Happening.ANSWERED),
        ({"EventType": "terminal", "Status": "completed"}, Happening.ENDED),
        ({"EventType": "terminal", "Status": "sleepy"}, Happening.ENDED),
        ({"Status": "no-answer"}, Happening.ENDED),
        ({"CallStatus": "queued"}, Happening.OTHER),
        ({}, Happening.OTHER),
    ],
)
def test_webhooks_tell_what_happens(fields: dict[str, str], happening: Happening) -> None:
    assert read_webhook(fields).happening is happening


@pytest.mark.parametrize(
    ("word", "direction"),
    [("incoming", "inbound"), ("outbound-dial", "outbound"), ("outbound-api", "outbound"), ("", "")],
)
def test_a_webhook_names_the_call_and_its_parties(word: str, direction: str) -> None:
    fields = {"CallSid": "C1", "CallFrom": "09990001111", "CallTo": "08040002222", "Direction": word}
    webhook = read_webhook(fields)
    assert (webhook.call_id, webhook.from_number, webhook.to_number) == ("C1", "+919990001111", "+918040002222")
    assert webhook.direction == direction
