"""Numbers, and where their owners live."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest

from mediasrv.outbound.number import e164, masked, zone_named, zones_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+91 98765 00001", "+919876500001"),
        ("+1 (415) 555-0100", "+14155550100"),
        ("+44.20.7946.0000", "+442079460000"),
        ("919876500001", ""),
        ("+0123456789", ""),
        ("+12345", ""),
        ("+1234567890123456", ""),
        ("+91 98765 0000x", ""),
        ("+९१९८७६५००००१", ""),
        ("sip:bob@example.com", ""),
        ("", ""),
    ],
)
def test_a_number_has_one_spelling(text: str, number: str) -> None:
    assert e164(text) == number


def test_of_a_number_two_digits_are_shown() -> None:
    assert masked("+919876500042") == "…42"


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        ("+919876500001", {"Asia/Kolkata"}),
        ("+442079460000", {"Europe/London", "Europe/Guernsey", "Europe/Isle_of_Man", "Europe/Jersey"}),
        ("+12425550100", {"America/Nassau"}),
        ("+77272555010", {"Asia/Almaty"}),
        ("+870123456789", set()),
        ("+9995550100", set()),
    ],
)
def test_the_longest_calling_code_tells_the_country(number: str, zones: set[str]) -> None:
    found = {zone.key for zone in zones_of(number)}
    assert zones <= found
    assert bool(found) == bool(zones)


def test_a_country_of_many_zones_has_them_all() -> None:
    found = {zone.key for zone in zones_of("+14155550100")}
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "America/St_Johns"} <= found


def test_every_zone_of_the_data_is_a_zone() -> None:
    table = tomllib.loads((files("mediasrv") / "outbound" / "countries.toml").read_text(encoding="utf-8"))
    assert len(table) > 200
    assert all(code.isdecimal() and 1 <= len(code) <= 4 for code in table)
    assert all(ZoneInfo(name) for names in table.values() for name in names)


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "/etc/passwd", "America", "a\0b", "x" * 5000])
def test_what_is_no_zone_is_none(name: str) -> None:
    assert zone_named(name) is None
