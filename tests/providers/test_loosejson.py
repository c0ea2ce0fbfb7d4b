"""Reading JSON that others wrote."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.providers import loosejson

OUTER: dict[str, Any] = {"table": {"a": 1}, "list": [{"b": 2}, 3, None], "text": " x ", "count": 7, "no": None}


@pytest.mark.parametrize("data", ["", "{", "[1]", "null", '"{}"', b"\xff", '{"a": "\\ud800"}'])
def test_what_is_no_object_is_none(data: str | bytes) -> None:
    assert loosejson.parse_object(data) is None
    assert loosejson.parse(data) == {}


def test_an_object_is_read_from_text_and_bytes() -> None:
    assert loosejson.parse_object('{"a": 1}') == loosejson.parse_object(b' {"a": 1} ') == {"a": 1}


def test_what_is_there_is_found() -> None:
    assert loosejson.table(OUTER, "table") == {"a": 1}
    assert loosejson.tables(OUTER, "list") == [{"b": 2}]
    assert loosejson.first(OUTER, "list") == {"b": 2}
    assert loosejson.text(OUTER, "text") == " x "
    assert loosejson.trimmed(OUTER, "text") == "x"
    assert loosejson.count(OUTER, "count") == 7


@pytest.mark.parametrize("key", ["no", "absent"])
def test_what_is_of_another_kind_is_not_there(key: str) -> None:
    assert not loosejson.table(OUTER, key)
    assert not loosejson.tables(OUTER, key)
    assert not loosejson.first(OUTER, key)
    assert loosejson.span_ms(OUTER, key, 10) == (None, None)
    assert loosejson.text(OUTER, key) == loosejson.trimmed(OUTER, key) == ""
    assert [*loosejson.numbers(OUTER, key), *loosejson.strings(OUTER, key)] == []
    assert loosejson.decoded(OUTER, key) == b""
    assert loosejson.ms(OUTER, key, 10) is None
    assert loosejson.count(OUTER, key) == 0


@pytest.mark.parametrize("value", [True, -1, 1.5, "7"])
def test_a_count_is_a_whole_number_of_things(value: object) -> None:
    assert loosejson.count({"count": value}, "count") == 0


@pytest.mark.parametrize(("value", "found"), [("rate_limit_error", "rate_limit_error"), ("2026-01.a:b", "2026-01.a:b")])
def test_a_word_is_a_name(value: str, found: str) -> None:
    assert loosejson.word(value) == found


@pytest.mark.parametrize("value", ["", None, 7, "Incorrect API key provided: k", "x" * 61, "a\nb"])
def test_a_sentence_is_no_word(value: object) -> None:
    assert loosejson.word(value) == ""


ODD = {"real": 1.5, "whole": 2, "flag": True, "nan": float("nan"), "infinite": float("inf"), "text": "1"}


@pytest.mark.parametrize("key", ODD)
def test_a_time_is_a_finite_number(key: str) -> None:
    assert loosejson.ms(ODD, key, 10) == {"real": 15, "whole": 20}.get(key)


@pytest.mark.parametrize("value", [[], [7, {"b": 2}], {"b": 2}, "b"])
def test_what_does_not_begin_with_an_object_begins_with_none(value: object) -> None:
    assert loosejson.first({"list": value}, "list") == {}


@pytest.mark.parametrize(
    ("words", "span"),
    [
        ([{"start": 1, "end": 2}], (10, 20)),
        ([{"start": 1, "end": 2}, None, {"start": 3, "end": 4.5}], (10, 45)),
        ([{"start": "1"}, {"start": 3}], (None, None)),
        ([7], (None, None)),
        ([], (None, None)),
    ],
)
def test_a_span_is_from_the_first_start_to_the_last_end(words: object, span: tuple[float | None, float | None]) -> None:
    assert loosejson.span_ms({"words": words}, "words", 10) == span


@pytest.mark.parametrize("key", ODD)
def test_lists_are_of_one_kind_throughout(key: str) -> None:
    outer = {"list": [ODD[key], ODD[key]]}
    assert loosejson.numbers(outer, "list") == (outer["list"] if key in ("real", "whole") else [])
    assert loosejson.strings(outer, "list") == (outer["list"] if key == "text" else [])


@pytest.mark.parametrize(
    ("text", "payload"), [("AP8=", b"\x00\xff"), ("", b""), ("AP8", b""), ("A P8=", b""), ("é", b"")]
)
def test_base64_is_read_whole_or_not_at_all(text: str, payload: bytes) -> None:
    assert loosejson.decoded({"audio": text}, "audio") == payload
