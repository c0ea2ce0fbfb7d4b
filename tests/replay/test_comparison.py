"""What was done is held against what is done."""

from __future__ import annotations

from typing import Any

from mediasrv.replay.comparison import LINK_CLOSED, Comparison, Difference, came_in
from mediasrv.wire.events import Clear, Mark, PlayMedia, SendDtmf

ONE, TWO = PlayMedia(b"one"), PlayMedia(b"two, longer")
LINES: list[list[Any]] = [
    ["run", 10.0, None],
    ["left out", []],
    ["sent", ONE],
    ["tick", 11.5, 2],
    ["judged", True, 20],
    ["sent", TWO],
    ["sent", Mark("1", ends_utterance=True)],
    ["closed link"],
]


def _compared(*actions: Any, is_redacted: bool = False) -> Comparison:
    comparison = Comparison(LINES, 10.0, is_redacted=is_redacted)
    for action in actions:
        comparison.hold(12.0, action)
    comparison.end()
    return comparison


def test_what_came_in_is_told_from_what_went_out() -> None:
    assert [line[0] for line in came_in(LINES)] == ["run", "left out", "tick"]


def test_the_same_is_no_difference() -> None:
    compared = _compared(ONE, TWO, Mark("1", ends_utterance=True), LINK_CLOSED)
    assert (compared.same, compared.difference) == (4, None)


def test_the_first_difference_counts_and_no_other() -> None:
    compared = _compared(ONE, Clear(), Clear())
    assert (compared.same, compared.difference) == (1, Difference(2.0, TWO, Clear()))


def test_a_mark_that_ends_nothing_is_another_mark() -> None:
    assert _compared(ONE, TWO, Mark("1")).difference == Difference(2.0, Mark("1"), Mark("1"))


def test_what_is_missing_has_the_time_at_which_it_was_done() -> None:
    assert _compared(ONE).difference == Difference(1.5, TWO, None)


def test_what_is_too_much_is_a_difference() -> None:
    compared = _compared(ONE, TWO, Mark("1", ends_utterance=True), LINK_CLOSED, Clear())
    assert compared.difference == Difference(2.0, None, Clear())


def test_of_a_redacted_call_stretches_of_audio_and_kinds_are_compared() -> None:
    assert _compared(TWO, Mark("1", ends_utterance=True), LINK_CLOSED, is_redacted=True).difference is None
    compared = _compared(ONE, ONE, ONE, Mark("2"), is_redacted=True)
    assert compared.difference == Difference(2.0, Mark("1"), Mark("2"))
    keys = Comparison([["sent", SendDtmf("00")]], 0.0, is_redacted=True)
    keys.hold(0.0, SendDtmf("1"))
    assert keys.difference is None
