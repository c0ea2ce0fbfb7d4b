from __future__ import annotations

import base64
import json

import pytest

from mediasrv.server.request import BodyError, all_values, first_values, form_of_json, origin_of, read_body

BODY = {"order": "42", "name": "सीता?>", "deep": {"list": [1, 2]}}
STANDARD = base64.b64encode(json.dumps(BODY, ensure_ascii=False).encode()).decode()
URLSAFE = base64.urlsafe_b64encode(json.dumps(BODY, ensure_ascii=False).encode()).decode()


def test_the_sample_has_what_the_alphabets_differ_in() -> None:
    assert STANDARD != URLSAFE
    assert STANDARD.endswith("=")


@pytest.mark.parametrize(
    "text", [STANDARD, URLSAFE, STANDARD.rstrip("="), URLSAFE.rstrip("="), STANDARD.replace("+", " ")]
)
def test_a_body_is_read_in_each_spelling_of_base64(text: str) -> None:
    assert read_body(text) == BODY


def test_no_body_is_an_empty_one() -> None:
    assert read_body("") == {}


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ("%%%", "not base64"),
        ("e30é", "not base64"),
        ("A", "not base64"),
        (base64.b64encode(b"{").decode(), "not JSON"),
        (base64.b64encode(b"\xff\xfe").decode(), "not JSON"),
        (base64.b64encode(b"[1]").decode(), "not a JSON object"),
    ],
)
def test_a_body_that_is_none_is_an_error(text: str, flaw: str) -> None:
    with pytest.raises(BodyError, match=flaw):
        read_body(text)


def test_the_first_of_a_name_counts_and_all_are_there_for_the_signature() -> None:
    assert first_values("a=1&b=&a=2&c=%2B+") == {"a": "1", "b": "", "c": "+ "}
    assert all_values("a=1&b=&a=2") == {"a": ["1", "2"], "b": [""]}


@pytest.mark.parametrize("read", [first_values, all_values])
def test_a_flood_of_fields_is_an_error(read: type[dict[str, str]]) -> None:
    with pytest.raises(ValueError, match="fields"):
        read("a&" * 500)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "public_url", "origin"),
    [
        ({"host": "inner:8080"}, "https://voice.example.in", "https://voice.example.in"),
        ({}, "http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ({"host": "voice.example.in"}, "", "http://voice.example.in"),
        ({"host": "[::1]:8080"}, "", "http://[::1]:8080"),
        ({"host": "voice.example.in", "x-forwarded-proto": "https"}, "", "https://voice.example.in"),
        ({"host": "voice.example.in", "x-forwarded-proto": "wss, http"}, "", "https://voice.example.in"),
        ({"host": "voice.example.in", "x-forwarded-proto": "gopher"}, "", "http://voice.example.in"),
        ({"host": "inner", "x-forwarded-proto": "https"}, "http://outer", "http://outer"),
        ({"host": "a/b?c"}, "", ""),
        ({"host": 'x"y'}, "", ""),
        ({}, "", ""),
    ],
)
def test_the_origin_is_the_public_url_or_the_hosts(headers: dict[str, str], public_url: str, origin: str) -> None:
    assert origin_of(headers, public_url) == origin


def test_a_flat_json_object_is_read_as_a_form() -> None:
    assert first_values(form_of_json(b'{"CallSid":"C 1","Duration":7,"Legs":[1],"To":null}')) == {
        "CallSid": "C 1",
        "Duration": "7",
    }
    for document in (b"[1]", b"{", b'"x"', b"\xff"):
        with pytest.raises(ValueError, match=r"JSON|unexpected|UTF"):
            form_of_json(document)
