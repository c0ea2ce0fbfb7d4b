from __future__ import annotations

import pytest

from mediasrv.server.console.range import range_of


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("bytes=0-", range(100)),
        ("bytes=0-0", range(1)),
        ("Bytes=10-19", range(10, 20)),
        (" bytes=90-1000 ", range(90, 100)),
        ("bytes=-30", range(70, 100)),
        ("bytes=-1000", range(100)),
        ("bytes=99-99", range(99, 100)),
    ],
)
def test_a_part_is_read_as_it_was_asked_for(header: str, wanted: range) -> None:
    assert range_of(header, 100) == wanted


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_part_behind_the_end_is_empty(header: str) -> None:
    found = range_of(header, 100)
    assert found is not None
    assert not found


@pytest.mark.parametrize(
    "header",
    ["", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,5-6", "items=0-1", "bytes=x-y", "bytes=٣-", "bytes=1" * 99],
)
def test_what_makes_no_sense_is_as_if_it_were_not_there(header: str) -> None:
    assert range_of(header, 100) is None
