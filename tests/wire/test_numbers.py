from __future__ import annotations

import pytest

from mediasrv.wire.numbers import indian


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("09990001111", "+919990001111"),
        ("9990001111", "+919990001111"),
        ("919990001111", "+919990001111"),
        ("+919990001111", "+919990001111"),
        (" 08040001111 ", "+918040001111"),
        ("+15550001111", "+15550001111"),
        ("112", "112"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_indian_numbers_are_read_in_every_spelling(given: str, read: str) -> None:
    assert indian(given) == read
