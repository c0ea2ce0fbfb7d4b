from __future__ import annotations

import pytest

from mediasrv.turn.addresses import say_addresses


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("ravi@example.com", "ravi at example dot com"),
        (
            "mailto:ravi.k_2+a@mail-1.example.co.in.",
            "ravi dot k underscore 2 plus a at mail dash 1 dot example dot co dot in.",
        ),
        ("example.com/help", "example dot com slash help"),
        ("https://www.example.com/", "example dot com"),
        ("(www.example.org)", "(example dot org)"),
        ("http://localhost:8080/a-b/c.html.", "localhost colon 8080 slash a dash b slash c dot html."),
        ("Example.COM, please", "Example dot COM, please"),
    ],
)
def test_addresses_are_said_as_a_person_would(written: str, said: str) -> None:
    assert say_addresses(written) == said


@pytest.mark.parametrize(
    "text", ["no dot", "Node.js", "readme.md", "end.Next", "3.5", "e.g. it", "v1.2.3", "a@b", "@you."]
)
def test_what_merely_looks_like_an_address_is_left_alone(text: str) -> None:
    assert say_addresses(text) == text
