from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

import plivo.utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import ConfigError, SignatureError
from mediasrv.wire.signature import (
    Headers,
    Params,
    check_stream_token,
    nonce_in,
    sign_v2,
    sign_v3,
    stream_token,
    verify,
    verify_v2,
)

TOKEN = "test_token_0123456789"
NONCE = "05429567804466091622"
ANSWER = "https://media.example.com/plivo/answer"
UPGRADE = "wss://media.example.com/ws/plivo"
FIELDS = {"CallUUID": "abc", "To": "15550002", "From": "15550001"}

VECTORS: list[tuple[str, str, Params, str]] = [
    ("GET", ANSWER, {}, "Q2anR53jInfHYxcKCqOy+ZhMoHVeyYpTSMRgfAAKUfk="),
    ("POST", ANSWER, {}, "Q2anR53jInfHYxcKCqOy+ZhMoHVeyYpTSMRgfAAKUfk="),
    ("GET", f"{ANSWER}?tenant=t1&agent=a1", {}, "UnH3TbIGqZStOuxeYp4zMp8nk5SEwXuiA4wuGjcIEaQ="),
    ("GET", f"{ANSWER}?a=b%20c&z=1+2", {}, "G/2DpYAHyjaUE80pc8LIEhqDgpTug0FovjebUhYBu8Y="),
    ("POST", ANSWER, FIELDS, "r+U72qeyNk1boidjCp2c9vmul4VPCjV6FvxxoGJJZ8s="),
    ("POST", f"{ANSWER}?tenant=t1&agent=a1", FIELDS, "FJE0VFCRkqn40SRJZC3U+nMh0Zi+xWZSDItcCrG1JdY="),
    (
        "POST",
        "https://media.example.com/a?k=2&k=1",
        {"D": ["b", "a"]},
        "b8qPVs9W83TVWwQIGVsMirS7c4s6lwAQOQeNyOCI5tI=",
    ),
    ("GET", UPGRADE, {}, "2sFKhRJcejo4mwgLT3ZcVS2jwTsY/7F+N4lxde7gJn8="),
    ("GET", f"{UPGRADE}?t=tok", {}, "37mUM6kd+JRV8uLdWRn3T22gwl/JjT1N8GknuUtnqHc="),
    ("GET", "https://media.example.com/ws/plivo?t=tok", {}, "uqafiTzD4pIgB0vl+SXNUAXoNHHLDrpnwBrdH16/8Uc="),
]
DOTTED = "UVODU7MxRPH8l5qNfmhoNFDmHuyv6YN4NDOnBhxL/Tk="
DOUBLE_DOT = "ZK9S0C6PpBMXoubvQSswBsPwGVDhsKQp7NG0W5KlSl4="
V2 = "jdUI0kp9W6O04ELTWFmHyL27NujR0spIWYSWIxlXA70="
WRONG = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def signed(*signatures: str, nonce: str = NONCE, version: str = "V3") -> Headers:
    """The headers of a request with these signatures."""
    return [
        ("Host", "internal:8080"),
        (f"X-Plivo-Signature-{version}", ",".join(signatures)),
        (f"X-Plivo-Signature-{version}-Nonce", nonce),
    ]


@pytest.mark.parametrize(("method", "url", "params", "signature"), VECTORS)
def test_each_vector_is_signed_and_verified(method: str, url: str, params: Params, signature: str) -> None:
    assert sign_v3(TOKEN, method, url, NONCE, params) == signature
    assert verify(TOKEN, method, url, signed(signature), params, upgrade=url.startswith("wss"))


def test_the_worked_example_of_plivos_page_is_signed_alike() -> None:
    params = {
        "CallUuid": "4vbcpem8-0u46-x1ha-9af1-438vc92bf374",
        "Digits": "1234",
        "From": "+15551111111",
        "To": "+15555555555",
    }
    signature = sign_v3(TOKEN, "POST", "https://example.com/abcd?foo=bar", "kjsdhfsd87sd7yisud2", params)
    assert signature == "p0cgQE1rdKFld54avKUIHcYUEtr6uxwuyjHAKvW42zI="


def test_version_2_is_signed_and_verified_apart() -> None:
    assert sign_v2(TOKEN, f"{ANSWER}?any=query", NONCE) == V2
    assert verify_v2(TOKEN, f"{ANSWER}?another=one", signed(V2, version="V2")) == "https"
    with pytest.raises(SignatureError):
        verify(TOKEN, "POST", ANSWER, signed(V2, version="V2"))
    with pytest.raises(SignatureError):
        verify_v2(TOKEN, ANSWER, signed(WRONG, version="V2"))


def test_the_reading_that_matched_is_named() -> None:
    vectors = {(method, url): signature for method, url, params, signature in VECTORS if not params}
    wss = vectors["GET", f"{UPGRADE}?t=tok"]
    https = vectors["GET", "https://media.example.com/ws/plivo?t=tok"]
    url = "https://media.example.com/ws/plivo?t=tok"
    assert verify(TOKEN, "GET", url, signed(wss), upgrade=True) == "wss"
    assert verify(TOKEN, "GET", url, signed(https), upgrade=True) == "https"
    assert verify(TOKEN, "GET", f"{UPGRADE}?t=tok", signed(https), upgrade=True) == "https"
    assert verify(TOKEN, "POST", ANSWER, signed(DOTTED), FIELDS) == "https, dotted"


def test_only_an_upgrade_may_be_signed_as_a_websocket() -> None:
    with pytest.raises(SignatureError):
        verify(TOKEN, "GET", UPGRADE, signed(sign_v3(TOKEN, "GET", UPGRADE, NONCE)))


@pytest.mark.parametrize(("scheme", "upgrade"), [("https", False), ("http", False), ("wss", True), ("ws", True)])
def test_an_origin_without_tls_may_stand_behind_one_with(scheme: str, upgrade: bool) -> None:
    signature = sign_v3(TOKEN, "GET", f"{scheme}://127.0.0.1:8080/x", NONCE)
    assert verify(TOKEN, "GET", "http://127.0.0.1:8080/x", signed(signature), upgrade=upgrade) == scheme


def test_an_origin_with_tls_is_never_taken_without() -> None:
    with pytest.raises(SignatureError):
        verify(TOKEN, "GET", ANSWER, signed(sign_v3(TOKEN, "GET", ANSWER.replace("https", "http"), NONCE)))


def test_the_double_dot_of_one_page_is_not_accepted() -> None:
    with pytest.raises(SignatureError):
        verify(TOKEN, "GET", ANSWER, signed(DOUBLE_DOT))


def test_the_dotted_reading_is_for_posts_with_fields_and_without_query() -> None:
    dotted = sign_v3(TOKEN, "GET", f"{ANSWER}.CallUUIDabcFrom15550001To15550002", NONCE)
    assert dotted == DOTTED
    for method, url in [("GET", ANSWER), ("POST", f"{ANSWER}?a=b")]:
        with pytest.raises(SignatureError):
            verify(TOKEN, method, url, signed(dotted), FIELDS)


def test_one_of_several_signatures_is_enough() -> None:
    signature = VECTORS[0][3]
    for offered in (f"{WRONG},{signature}", f"{signature} , {WRONG}", f",{signature},"):
        assert verify(TOKEN, "GET", ANSWER, signed(offered)) == "https"


def test_the_main_accounts_signature_counts_and_names_are_of_any_case() -> None:
    headers = [
        ("x-plivo-signature-v3", WRONG),
        ("X-PLIVO-SIGNATURE-MA-V3", WRONG),
        ("X-Plivo-Signature-Ma-V3", VECTORS[0][3]),
        ("x-PLIVO-signature-V3-nonce", NONCE),
    ]
    assert verify(TOKEN, "get", ANSWER, headers) == "https"


def test_the_nonce_is_told_where_there_is_one() -> None:
    assert nonce_in(signed(VECTORS[0][3])) == NONCE
    assert nonce_in([]) == ""


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Plivo-Signature-V3", VECTORS[0][3])],
        [("X-Plivo-Signature-V3-Nonce", NONCE)],
        signed(VECTORS[0][3], nonce="another"),
        [*signed(VECTORS[0][3]), ("X-Plivo-Signature-V3-Nonce", "another")],
        signed(WRONG),
        signed(""),
        signed(VECTORS[0][3][:-1]),
        signed("\ud800\xff"),
        signed(VECTORS[0][3], nonce="\ud800"),
    ],
)
def test_a_request_that_proves_nothing_is_refused_without_detail(headers: Headers) -> None:
    with pytest.raises(SignatureError) as caught:
        verify(TOKEN, "GET", ANSWER, headers)
    assert str(caught.value) == "the signature does not match"


@pytest.mark.parametrize(
    ("method", "url", "params"),
    [
        ("POST", ANSWER, FIELDS | {"From": "15550003"}),
        ("POST", ANSWER, {}),
        ("POST", f"{ANSWER}/", FIELDS),
        ("POST", f"{ANSWER}?a=b", FIELDS),
        ("POST", "https://evil.example.com/plivo/answer", FIELDS),
        ("POST", "https://[", FIELDS),
        ("POST", "no url", FIELDS),
        ("POST", "", FIELDS),
    ],
)
def test_a_signature_over_another_request_is_refused(method: str, url: str, params: Params) -> None:
    with pytest.raises(SignatureError):
        verify(TOKEN, method, url, signed(sign_v3(TOKEN, "POST", ANSWER, NONCE, FIELDS)), params)


def test_an_empty_token_matches_nothing() -> None:
    with pytest.raises(SignatureError):
        verify("", "GET", ANSWER, signed(sign_v3("", "GET", ANSWER, NONCE)))


WORDS = st.text("abcXYZ0189-_~ +%&=/?#;,", max_size=8)
NAMES = st.text("abcXYZ019", min_size=1, max_size=6)
QUERIES = st.lists(st.tuples(NAMES, WORDS), max_size=4).map(urlencode)
URLS = st.builds(
    "{}://{}{}{}".format,
    st.sampled_from(["https", "http"]),
    st.sampled_from(["media.example.com", "127.0.0.1:8080", "Voice.Example.in:443"]),
    st.lists(WORDS.map(quote), max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts)),
    QUERIES.map(lambda query: f"?{query}" if query else "") | st.just("#rt=5000"),
)
FORMS = st.dictionaries(
    st.text(max_size=6), st.text(max_size=8) | st.lists(st.text(max_size=4), max_size=3), max_size=4
)


@given(st.sampled_from(["GET", "POST"]), URLS, FORMS, st.text("0123456789", max_size=20))
def test_version_3_agrees_with_plivos_own_package(method: str, url: str, form: dict[str, Any], nonce: str) -> None:
    params = {} if method == "GET" else form
    signature = sign_v3(TOKEN, method, url, nonce, params)
    assert plivo.utils.validate_v3_signature(method, url, nonce, TOKEN, signature, dict(params))
    assert verify(TOKEN, method, url, signed(signature, nonce=nonce), params)
    assert not plivo.utils.validate_v3_signature(method, url, nonce, f"{TOKEN}!", signature, dict(params))


@given(URLS, st.dictionaries(NAMES, NAMES, max_size=3))
def test_parameters_of_a_get_join_its_query_as_in_plivos_own_package(url: str, params: dict[str, str]) -> None:
    signature = sign_v3(TOKEN, "GET", url, NONCE, params)
    assert plivo.utils.validate_v3_signature("GET", url, NONCE, TOKEN, signature, dict(params))


@given(URLS)
def test_version_2_agrees_with_plivos_own_package(url: str) -> None:
    assert plivo.utils.validate_signature(url, NONCE, sign_v2(TOKEN, url, NONCE), TOKEN)


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.tuples(st.text(), st.text())), st.booleans())
def test_any_request_is_refused_and_nothing_else_comes_out(
    method: str, url: str, headers: list[tuple[str, str]], upgrade: bool
) -> None:
    forged = [*headers, *signed(WRONG)]
    with pytest.raises(SignatureError):
        verify(TOKEN, method, url, forged, {"a": "b"}, upgrade=upgrade)
    with pytest.raises(SignatureError):
        verify_v2(TOKEN, url, forged, upgrade=upgrade)


SECRET = b"a secret of the server"
EXPIRY_S = 1_764_000_060


@given(st.text(max_size=40), st.integers(0, 2**40), st.binary(min_size=1, max_size=40))
def test_a_stream_token_holds_for_its_call_until_it_expires(call_id: str, expires_at_s: int, secret: bytes) -> None:
    token = stream_token(secret, call_id, expires_at_s)
    check_stream_token(secret, token, call_id, expires_at_s - 0.001)
    assert quote(token, safe="") == token
    for bad in [
        (secret + b"!", token, call_id, 0.0),
        (secret, token, f"{call_id}!", 0.0),
        (secret, token, call_id, float(expires_at_s)),
        (secret, f"{expires_at_s + 1}{token[token.index('.') :]}", call_id, 0.0),
        (secret, f"0{token}", call_id, -1.0),
        (secret, f"{token}=", call_id, 0.0),
    ]:
        with pytest.raises(SignatureError):
            check_stream_token(*bad)


@given(st.text(max_size=80))
def test_a_forged_stream_token_is_refused_without_detail(token: str) -> None:
    with pytest.raises(SignatureError) as caught:
        check_stream_token(SECRET, token, "call", 0.0)
    assert str(caught.value) == "the stream token is not valid"


def test_surrogates_in_a_token_or_a_call_are_refused_quietly() -> None:
    with pytest.raises(SignatureError):
        check_stream_token(SECRET, f"{EXPIRY_S}.\ud800", "\ud800", 0.0)


def test_an_empty_secret_makes_no_token_and_accepts_none() -> None:
    with pytest.raises(ConfigError):
        stream_token(b"", "call", EXPIRY_S)
    with pytest.raises(SignatureError):
        check_stream_token(b"", stream_token(SECRET, "call", EXPIRY_S), "call", 0.0)
