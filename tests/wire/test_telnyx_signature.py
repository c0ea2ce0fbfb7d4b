from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.telnyx_signature import TOLERANCE_S, read_public_key, verify_telnyx
from tests import naive

SECRET = bytes(range(32))
KEY = naive.public_key_ed25519(SECRET)
NOW_S = 1_764_000_000
BODY = b'{"data":{"event_type":"call.initiated"}}'


def signed(body: bytes = BODY, sent_s: int = NOW_S, secret: bytes = SECRET) -> list[tuple[str, str]]:
    signature = naive.sign_ed25519(secret, str(sent_s).encode() + b"|" + body)
    return [("Telnyx-Timestamp", str(sent_s)), ("telnyx-signature-ed25519", b64encode(signature).decode())]


def test_a_key_is_read_as_the_portal_shows_it() -> None:
    assert read_public_key(b64encode(KEY).decode()) == KEY


@pytest.mark.parametrize("text", ["", "key", b64encode(KEY[:31]).decode(), b64encode(bytes(32)).decode()])
def test_what_is_no_key_is_the_operators_mistake(text: str) -> None:
    with pytest.raises(ConfigError, match=r"telnyx\.public_key_env"):
        read_public_key(text)


def test_what_telnyx_signed_is_let_in_for_a_while() -> None:
    verify_telnyx(KEY, signed(), BODY, NOW_S)
    verify_telnyx(KEY, signed(), BODY, NOW_S + TOLERANCE_S)
    verify_telnyx(KEY, signed(), BODY, NOW_S - TOLERANCE_S)


@pytest.mark.parametrize("now_s", [NOW_S + TOLERANCE_S + 1, NOW_S - TOLERANCE_S - 1])
def test_what_is_not_of_this_moment_is_refused(now_s: float) -> None:
    with pytest.raises(SignatureError, match="moment"):
        verify_telnyx(KEY, signed(), BODY, now_s)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e9", "٣"])
def test_a_time_that_is_none_is_refused(stamp: str) -> None:
    with pytest.raises(SignatureError, match="moment"):
        verify_telnyx(KEY, [("telnyx-timestamp", stamp), signed()[1]], BODY, NOW_S)


def test_what_was_changed_or_signed_by_another_is_refused() -> None:
    wrong = [
        (KEY, signed(), BODY + b" "),
        (KEY, signed(secret=bytes(32)), BODY),
        (KEY, [signed(sent_s=NOW_S + 1)[0], signed()[1]], BODY),
        (KEY, signed()[:1], BODY),
        (KEY, [signed()[0], ("telnyx-signature-ed25519", "not base64!")], BODY),
        (naive.public_key_ed25519(bytes(32)), signed(), BODY),
    ]
    for key, headers, body in wrong:
        with pytest.raises(SignatureError, match="does not match"):
            verify_telnyx(key, headers, body, NOW_S)


@given(st.text(), st.binary(max_size=100))
def test_rubbish_is_refused(signature: str, body: bytes) -> None:
    headers = [("telnyx-timestamp", str(NOW_S)), ("telnyx-signature-ed25519", signature)]
    with pytest.raises(SignatureError):
        verify_telnyx(KEY, headers, body, NOW_S)
