from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from mediasrv.server.fleetpages import asked_of_each, merged

Call = dict[str, Any]


def call(name: str, second: int) -> Call:
    return {"id": name, "started": f"2026-11-21T12:00:{second:02d}.000Z"}


def answer(calls: list[Call], path: str, most: int) -> dict[str, Any]:
    """What a server says that knows these calls."""
    until = parse_qs(urlsplit(path).query).get("until", ["9"])[0].replace("001+00:00", "001Z")
    found = sorted((each for each in calls if each["started"] < until), key=lambda c: (c["started"], c["id"]))[::-1]
    return {"calls": found[:most], "next": found[most - 1]["id"] if len(found) >= most else None}


@given(
    given_calls=lists(lists(tuples(integers(0, 59), integers(0, 3)), max_size=12), min_size=1, max_size=4),
    most=integers(5, 8),
)
def test_page_by_page_each_call_of_all_servers_is_told_once_and_newest_first(
    given_calls: list[list[tuple[int, int]]], most: int
) -> None:
    # No more of one moment than a page holds.
    servers = [
        [call(f"{server}-{second}-{number}", second) for second, number in dict(seconds).items()]
        for server, seconds in enumerate(given_calls)
    ]
    known = {each["id"]: each for calls in servers for each in calls}
    told: list[str] = []
    last: Call | None = None
    while True:
        path = asked_of_each("/calls", {"after": "x", "agent": "a"}, last)
        assert parse_qs(urlsplit(path).query)["agent"] == ["a"]
        page = merged([answer(calls, path, most) for calls in servers], most, last)
        told += [each["id"] for each in page["calls"]]
        assert len(page["calls"]) <= most
        if page["next"] is None:
            break
        last = known[page["next"]]
    assert told == [each["id"] for each in sorted(known.values(), key=lambda c: (c["started"], c["id"]))[::-1]]


def test_nothing_is_asked_besides_what_was() -> None:
    assert asked_of_each("/calls", {}, None) == "/calls"
    assert merged([{"calls": [], "next": None}], 5, None) == {"calls": [], "next": None}
