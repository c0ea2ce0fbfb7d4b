from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.wire.headers import raw_headers, read_headers

WORDS = st.text("abcXYZ019-_./=", min_size=1).map(lambda word: word.strip("="))
PAIRS = st.dictionaries(WORDS.filter(lambda word: word != "" and "=" not in word), WORDS)


@given(PAIRS, st.sampled_from([";", ",", "; ", " , "]))
def test_pairs_are_read_with_either_separator(pairs: dict[str, str], separator: str) -> None:
    assert read_headers(separator.join(f"{key}={value}" for key, value in pairs.items())) == pairs


@given(st.dictionaries(st.text(), st.text()))
def test_json_is_read_as_text_and_as_an_object(pairs: dict[str, str]) -> None:
    assert read_headers(pairs) == pairs
    assert read_headers(" " + orjson.dumps(pairs).decode()) == pairs


@pytest.mark.parametrize(
    ("member", "headers"),
    [
        (None, {}),
        ("", {}),
        (7, {}),
        (["a=b"], {}),
        ("a=b;c=d,e=f", {"a": "b", "c": "d", "e": "f"}),
        ("body=eyJhIjoxfQ==;k=v", {"body": "eyJhIjoxfQ==", "k": "v"}),
        ("a=;b= c ;", {"a": "", "b": "c"}),
        ("a=1;a=2", {"a": "2"}),
        ("flag;=nothing;a=b", {"a": "b"}),
        (
            '{"a":"b","n":1,"f":1.5,"t":true,"z":null,"o":{"k":[1]}}',
            {"a": "b", "n": "1", "f": "1.5", "t": "true", "z": "null", "o": '{"k":[1]}'},
        ),
        ("{broken", {}),
        ('{"a":"\\ud800"}', {}),
        ("[1]", {}),
    ],
)
def test_every_spelling_is_read_and_none_is_refused(member: object, headers: dict[str, str]) -> None:
    assert read_headers(member) == headers


def test_a_value_nested_beyond_measure_is_left_out() -> None:
    deep: Any = orjson.loads('{"a":' * 500 + "1" + "}" * 500)
    assert read_headers({"deep": deep, "k": "v"}) == {"k": "v"}
    assert read_headers('{"k":"v","deep":' + "[" * 500 + "]" * 500 + "}") == {"k": "v"}
    assert raw_headers(deep) == ""


@pytest.mark.parametrize(
    ("member", "raw"), [(None, ""), (7, ""), ("a=b", "a=b"), ("{broken", "{broken"), ({"a": "b"}, '{"a":"b"}')]
)
def test_the_raw_text_stays(member: object, raw: str) -> None:
    assert raw_headers(member) == raw
