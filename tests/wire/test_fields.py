from __future__ import annotations

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.errors import LocalProtocolError, RemoteProtocolError
from mediasrv.wire import fields

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_what_was_composed_parses_to_the_same(members: fields.Fields) -> None:
    assert fields.parse(fields.compose(members)) == members


@given(st.text() | st.binary() | JSON.map(lambda value: orjson.dumps(value).decode()))
def test_parsing_gives_an_object_or_refuses(message: str | bytes) -> None:
    with suppress(RemoteProtocolError):
        assert isinstance(fields.parse(message), dict)


def test_a_refused_message_does_not_travel_in_the_error() -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        fields.parse('{"digit": "5551234", ')
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert "555" not in str(caught.value)


def test_a_message_of_the_limit_is_read_and_one_more_character_is_too_long() -> None:
    longest = '{"a":"' + "x" * (fields.MAX_MESSAGE_CHARS - 8) + '"}'
    assert len(fields.parse(longest)["a"]) == fields.MAX_MESSAGE_CHARS - 8
    with pytest.raises(RemoteProtocolError, match="too long"):
        fields.parse(longest + " ")


@pytest.mark.parametrize("message", ["NaN", "1e999", '"\ud800"', '{"a":"\\udfff"}', "{}{}", "\ufeff{}", "[" * 5000, ""])
def test_what_json_forbids_is_refused(message: str) -> None:
    with pytest.raises(RemoteProtocolError, match="not JSON"):
        fields.parse(message)


def test_text_that_is_no_unicode_is_our_error_to_compose() -> None:
    with pytest.raises(LocalProtocolError, match="cannot be written"):
        fields.compose({"name": "\ud800"})


def test_a_message_too_long_is_our_error_to_compose() -> None:
    with pytest.raises(LocalProtocolError, match="too long"):
        fields.compose({"name": "x" * fields.MAX_MESSAGE_CHARS})


def test_the_event_name_is_a_text() -> None:
    assert fields.event_in({"event": "start"}) == "start"
    with pytest.raises(RemoteProtocolError, match="no event name"):
        fields.event_in({"event": 1})


def test_an_object_is_an_object() -> None:
    assert fields.object_in({"media": {}}, "media") == {}
    with pytest.raises(RemoteProtocolError, match="media is not an object"):
        fields.object_in({"media": []}, "media")


@pytest.mark.parametrize("value", ["", None, 1, ["a"]])
def test_a_text_is_not_empty_and_not_of_another_type(value: object) -> None:
    assert fields.text_in({"name": "a"}, "name") == "a"
    with pytest.raises(RemoteProtocolError, match="name is not a text"):
        fields.text_in({"name": value}, "name")


def test_an_id_is_taken_from_the_first_place_that_holds_one() -> None:
    assert fields.id_from("id", None, "", "b", "c") == "b"


@pytest.mark.parametrize("value", [None, "", 7, {}, True])
def test_an_id_that_is_nowhere_or_no_text_is_refused(value: object) -> None:
    with pytest.raises(RemoteProtocolError, match="missing or not a text"):
        fields.id_from("id", value)


@pytest.mark.parametrize("value", ["two\nlines", "bell\a", "x" * (fields.MAX_ID_CHARS + 1)])
def test_an_id_that_would_spoil_a_log_is_refused(value: str) -> None:
    with pytest.raises(RemoteProtocolError, match="not a name"):
        fields.id_from("id", value)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        (0, 0),
        (7, 7),
        ("7", 7),
        ("007", 7),
        (2**64 - 1, 2**64 - 1),
        ("9" * 19, 10**19 - 1),
        ("9" * 20, None),
        ("9" * 5000, None),
        (-1, None),
        ("-1", None),
        (True, None),
        (1.0, None),
        ("1.0", None),
        ("", None),
        (" 7", None),
        ("\u0667", None),
        ("seven", None),
        (None, None),
        ([7], None),
    ],
)
def test_a_count_is_a_number_or_its_digits(value: object, count: int | None) -> None:
    assert fields.count_from(value) == count


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("Call hangup", "Call hangup"),
        ("  two\nlines\x00 ", "two lines"),
        ("x" * 300, "x" * fields.MAX_REASON_CHARS),
        (None, ""),
        ({"code": 1}, ""),
    ],
)
def test_a_reason_is_one_printable_line(value: object, reason: str) -> None:
    assert fields.reason_from(value) == reason


@pytest.mark.parametrize("value", ["5", "*", "#", "0123456789*#ABCD"])
def test_keys_of_a_telephone_are_digits(value: str) -> None:
    assert fields.are_digits(value)


@pytest.mark.parametrize("value", ["", "a", "E", "5 ", "\u0665", 5, None, ["5"]])
def test_other_things_are_no_digits(value: object) -> None:
    assert not fields.are_digits(value)


def test_a_name_fit_for_a_log_is_short_and_printable() -> None:
    assert fields.name_in("11111111-2222") == "11111111-2222"
    assert fields.name_in("two\nlines") == ""
    assert fields.name_in("x" * 257) == ""
