from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from mediasrv.errors import SignatureError
from mediasrv.wire.twilio_signature import sign_twilio, verify_twilio

TOKEN = "twilio_token_0123456789"
UPGRADE = ("wss://media.example.com/ws/twilio", "0plKHZqzvgvW2FgrfCoqsnODNis=")
FORM = ("https://media.example.com/twilio/answer", "7Kg/cAtdo6cm82SSkYDKKGg8U5E=")
FIELDS = {"CallSid": "CA1", "From": "+15550001"}


def signed(signature: str, name: str = "X-Twilio-Signature") -> list[tuple[str, str]]:
    return [("Host", "media.example.com"), (name, signature)]


def test_signatures_are_those_of_the_package() -> None:
    assert sign_twilio(TOKEN, UPGRADE[0]) == UPGRADE[1]
    assert sign_twilio(TOKEN, FORM[0], FIELDS) == FORM[1]
    assert sign_twilio(TOKEN, FORM[0], {name: [value, value] for name, value in FIELDS.items()}) == FORM[1]


def test_a_form_and_an_upgrade_are_let_in() -> None:
    assert verify_twilio(TOKEN, FORM[0], signed(FORM[1], "x-TWILIO-signature"), FIELDS) == "https"
    assert verify_twilio(TOKEN, "https://media.example.com/ws/twilio", signed(UPGRADE[1]), upgrade=True) == "wss"


@pytest.mark.parametrize(
    ("public", "written", "reading"),
    [
        ("https://h.example/a?x=1", "https://h.example:443/a?x=1", "https, port"),
        ("https://h.example:8443/a", "https://h.example/a", "https"),
        ("https://h.example:8443/a", "https://h.example:8443/a", "https, port"),
        ("http://h.example/a", "https://h.example/a", "https"),
        ("http://h.example/a", "http://h.example:80/a", "http, port"),
        ("https://[::1]:8443/a", "https://[::1]/a", "https"),
    ],
)
def test_each_reading_of_the_address_is_tried(public: str, written: str, reading: str) -> None:
    assert verify_twilio(TOKEN, public, signed(sign_twilio(TOKEN, written))) == reading


@pytest.mark.parametrize(
    ("token", "url", "signature", "fields"),
    [
        (TOKEN, FORM[0], "", FIELDS),
        (TOKEN, FORM[0], "\udcff", FIELDS),
        (TOKEN, FORM[0], FORM[1], FIELDS | {"From": "+15550002"}),
        (TOKEN, FORM[0] + "/", FORM[1], FIELDS),
        ("another", FORM[0], FORM[1], FIELDS),
        ("", FORM[0], sign_twilio("", FORM[0], FIELDS), FIELDS),
        (TOKEN, "https://[broken", FORM[1], FIELDS),
        (TOKEN, "https://h:port/", FORM[1], FIELDS),
    ],
)
def test_what_was_not_signed_with_the_token_is_refused(
    token: str, url: str, signature: str, fields: dict[str, str]
) -> None:
    with pytest.raises(SignatureError, match="does not match"):
        verify_twilio(token, url, signed(signature), fields)


def test_a_form_signature_does_not_open_an_upgrade_elsewhere() -> None:
    with pytest.raises(SignatureError):
        verify_twilio(TOKEN, "https://media.example.com/ws/twilio", signed(UPGRADE[1]))
    with pytest.raises(SignatureError):
        verify_twilio(TOKEN, UPGRADE[0], [], upgrade=True)


def test_a_json_body_is_proven_by_its_digest() -> None:
    body = b'{"a":1}'
    url = f"https://h.example/a?bodySHA256={sha256(body).hexdigest()}"
    headers = signed(sign_twilio(TOKEN, url))
    assert verify_twilio(TOKEN, url, headers, body=body) == "https"
    for other, where in ((b'{"a":2}', url), (body, "https://h.example/a")):
        with pytest.raises(SignatureError):
            verify_twilio(TOKEN, where, signed(sign_twilio(TOKEN, where)), body=other)


@given(st.text(max_size=40), st.dictionaries(st.text(), st.lists(st.text(), max_size=3), max_size=4))
def test_any_request_is_let_in_or_refused_by_its_signature_alone(url: str, fields: dict[str, list[str]]) -> None:
    with suppress(SignatureError):  # not every text is a URL
        verify_twilio(TOKEN, url, signed(sign_twilio(TOKEN, url, fields)), fields)
    with pytest.raises(SignatureError):
        verify_twilio(TOKEN, url, signed(sign_twilio("another", url, fields)), fields)


def test_ten_thousand_signatures_agree_with_the_package() -> None:
    validator = RequestValidator(TOKEN)
    draw = Random(20261121)
    words = ["CallSid", "From", "Digits", "é", "a b", "x=1&y", "", "+15550001", "日本", "%20"]
    for _ in range(10_000):
        port = draw.choice(["", ":443", ":8443"])
        query = draw.choice(["", "?a=1", "?b=%20x&a=", "?bodySHA256=00"])
        path = draw.choice(["answer", "a%20b", ""])
        url = f"{draw.choice(['https', 'wss'])}://media.example.com{port}/twilio/{path}{query}"
        fields = {draw.choice(words): draw.choice(words) for _ in range(draw.randrange(5))}
        signature = sign_twilio(TOKEN, url, fields)
        assert validator.compute_signature(url, fields) == signature
        is_upgrade = url.startswith("wss")
        assert validator.validate(url, fields, signature) or ":443" in url or ":8443" in url
        verify_twilio(TOKEN, url, signed(signature), fields, upgrade=is_upgrade)
