from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from mediasrv.errors import ConfigError
from mediasrv.schema import Given, Reader, given, suggest


@dataclass(frozen=True, kw_only=True)
class Inner:
    size: int = 1


@dataclass(frozen=True, kw_only=True)
class Options:
    count: int = 3
    gain: float = 1.0
    mute: bool = False
    name: str = ""
    class_: str = ""
    inner: Inner = field(default_factory=Inner)
    named: Mapping[str, Inner] = field(default_factory=dict)
    open: Mapping[str, Any] = field(default_factory=lambda: {"provider": "local"})
    texts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count == 13:
            raise ConfigError("count must not be 13")


def read(values: Mapping[str, object]) -> Options:
    options: Options = Reader().read(Options, given(values, "a.toml"))
    return options


def read_text(name: str, text: str) -> Options:
    options: Options = Reader().read(Options, Given({name: Given(text, "VARIABLE", is_text=True)}, "VARIABLE"))
    return options


def test_nothing_given_is_all_defaults() -> None:
    assert read({}) == Options()


def test_every_kind_is_read() -> None:
    values = {"count": 4, "gain": 0.5, "mute": True, "name": "n", "class": "m:C", "inner": {"size": 2}}
    assert read(values) == Options(count=4, gain=0.5, mute=True, name="n", class_="m:C", inner=Inner(size=2))


def test_tables_by_name_are_read_each() -> None:
    assert read({"named": {"a": {"size": 5}, "b": {}}}).named == {"a": Inner(size=5), "b": Inner()}


def test_a_whole_number_serves_as_a_number() -> None:
    gain = read({"gain": 2}).gain
    assert (gain, type(gain)) == (2.0, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": "4"}, "a.toml: count: expected a whole number, got text"),
        ({"count": True}, "a.toml: count: expected a whole number, got true or false"),
        ({"count": 1.5}, "a.toml: count: expected a whole number, got a number"),
        ({"gain": "loud"}, "a.toml: gain: expected a number, got text"),
        ({"gain": float("nan")}, "a.toml: gain: expected a number, got a number that is not finite"),
        ({"mute": 1}, "a.toml: mute: expected true or false, got a whole number"),
        ({"name": 5}, "a.toml: name: expected text, got a whole number"),
        ({"name": {}}, "a.toml: name: expected text, got a table"),
        ({"name": ["x"]}, "a.toml: name: expected text, got a list"),
        ({"name": object()}, "a.toml: name: expected text, got something else"),
        ({"inner": 1}, "a.toml: inner: expected a table, got a whole number"),
        ({"inner": {"size": ""}}, "a.toml: inner.size: expected a whole number, got text"),
        ({"named": {"a": 1}}, "a.toml: named.a: expected a table, got a whole number"),
        ({"open": "x"}, "a.toml: open: expected a table, got text"),
        ({"texts": 5}, "a.toml: texts: expected a text or a list of texts"),
        ({"texts": ["x", 1]}, "a.toml: texts: expected a text or a list of texts"),
        ({"count": 13}, "a.toml: configuration: count must not be 13"),
    ],
)
def test_a_wrong_kind_is_named_with_its_place_and_not_its_value(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(values)
    assert str(caught.value) == message


def test_a_list_of_texts_is_read_from_a_list_or_from_text() -> None:
    assert read({"texts": ["a", "b"]}).texts == ("a", "b")
    assert read_text("texts", '["a", "b"]').texts == ("a", "b")


def test_one_text_stands_for_a_list_of_one_and_an_empty_one_for_none() -> None:
    assert read({"texts": "Are you there?"}).texts == ("Are you there?",)
    assert read_text("texts", "Are you there?").texts == ("Are you there?",)
    assert read({"texts": ""}).texts == ()


def test_an_unknown_key_names_the_nearest_known_one() -> None:
    with pytest.raises(ConfigError, match=r"a\.toml: cuont: unknown key; did you mean count\?"):
        read({"cuont": 4})


def test_an_unknown_key_like_no_other_names_them_all() -> None:
    with pytest.raises(ConfigError, match=r"inner\.zzz: unknown key; known are size$"):
        read({"inner": {"zzz": 4}})


def test_the_field_spelling_of_a_key_is_no_key() -> None:
    with pytest.raises(ConfigError, match="did you mean class"):
        read({"class_": "m:C"})


def test_an_open_table_takes_any_key_over_its_defaults() -> None:
    assert read({"open": {"voice": "joe", "deep": {"x": [1]}}}).open == {
        "provider": "local",
        "voice": "joe",
        "deep": {"x": [1]},
    }


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "12", 12),
        ("gain", "2", 2.0),
        ("gain", "1e-3", 0.001),
        ("mute", "TRUE", True),
        ("mute", "off", False),
        ("mute", " 1 ", True),
        ("name", " 12 ", " 12 "),
    ],
)
def test_text_is_read_as_the_annotation_asks(name: str, text: str, value: object) -> None:
    assert getattr(read_text(name, text), name) == value


@pytest.mark.parametrize(("name", "text"), [("count", "1.5"), ("count", ""), ("gain", "inf"), ("mute", "maybe")])
def test_text_that_does_not_fit_is_refused_without_being_shown(name: str, text: str) -> None:
    with pytest.raises(ConfigError, match=rf"^VARIABLE: {name}: expected (a whole number|a number|true or false)$"):
        read_text(name, text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12", 12),
        ("1.5", 1.5),
        ("true", True),
        ('"12"', "12"),
        ("[1, 2]", [1, 2]),
        ("nova-3", "nova-3"),
        ("2026-01-01", "2026-01-01"),
        ("007", "007"),
        ("1\nother = 2", "1\nother = 2"),
    ],
)
def test_text_in_an_open_table_is_toml_where_it_can_be(text: str, value: object) -> None:
    table = Given({"open": Given({"key": Given(text, "VARIABLE", is_text=True)}, "VARIABLE")}, "VARIABLE")
    assert Reader().read(Options, table).open["key"] == value


def test_a_reader_may_narrow_values() -> None:
    class Narrow(Reader):
        def flaw(self, name: str, value: object) -> str:
            return "a small number" if name == "size" and value == 9 else ""

    assert Narrow().read(Options, given({"count": 9}, "a")).count == 9
    with pytest.raises(ConfigError, match=r"^a: inner\.size: expected a small number, got 9$"):
        Narrow().read(Options, given({"inner": {"size": 9}}, "a"))


def test_a_suggestion_needs_something_known() -> None:
    assert suggest("x", []) == "known are none"
