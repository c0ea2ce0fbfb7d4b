from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.turn.retelling import Retelling


def told(written: str, *said: str) -> list[str]:
    retelling = Retelling(written, " ".join(said))
    return [retelling.tell(piece) for piece in said]


def test_a_word_is_told_when_it_begins_to_be_said() -> None:
    said = ("Pay", "5", "rupees", "by", "1", "December", "2026,", "please.")
    expected = ["Pay", "₹5", "", "by", "2026-12-01,", "", "", "please."]
    assert told("Pay ₹5 by 2026-12-01, please.", *said) == expected


@pytest.mark.parametrize(
    ("written", "said", "expected"),
    [
        ("a b c", ["a b c"], ["a b c"]),
        ("a b c", ["a", "b", "c"], ["a", "b", "c"]),
        ("- a 👋 b", ["a", "b"], ["- a", "👋 b"]),
        ("a 👋", ["a", ""], ["a 👋", ""]),
        ("👋", [""], [""]),
        ("x y b", ["p", "q", "b"], ["x", "y", "b"]),
        ("a b", ["c d e"], ["a b"]),
        ("a", ["a", "beyond"], ["a", ""]),
    ],
)
def test_what_is_not_said_comes_with_what_is_said_next(written: str, said: list[str], expected: list[str]) -> None:
    assert told(written, *said) == expected


words = st.lists(st.sampled_from("abc"), max_size=12)


@given(written=words, said=words)
def test_words_are_told_once_and_in_their_order(written: list[str], said: list[str]) -> None:
    pieces = told(" ".join(written), *said)
    assert " ".join(pieces).split() == written[: len(" ".join(pieces).split())]


@given(words)
def test_a_text_that_is_said_as_it_is_is_told_as_it_is(written: list[str]) -> None:
    assert told(" ".join(written), *written) == written
