"""What the caller says, as it is kept for a model."""

from __future__ import annotations

import pytest

from mediasrv.call.asked import LEAD_IN_FRAMES, Asked, Sayings


def test_an_utterance_begins_a_moment_before_it_is_noticed() -> None:
    sayings = Sayings()
    frames = [bytes([each]) for each in range(LEAD_IN_FRAMES + 5)]
    assert {sayings.push(frame) for frame in frames} == {False}
    assert list(sayings.begin()) == frames[5:]
    assert sayings.push(b"x")
    assert list(sayings.kept) == [*frames[5:], b"x"]


def test_what_was_said_is_kept_until_it_is_forgotten() -> None:
    sayings = Sayings()
    sayings.begin()
    sayings.push(b"a")
    sayings.end()
    assert not sayings.push(b"b")
    sayings.begin()
    assert list(sayings.kept) == [b"a", b"b"]
    sayings.forget()
    assert list(sayings.kept) == []


@pytest.mark.parametrize(
    ("asked", "needs"),
    [
        (Asked(1, 0, 0.0), True),
        (Asked(1, 0, 0.0, text="Hello."), False),
        (Asked(1, 0, 0.0, is_in_history=True), False),
        (Asked(1, 0, 0.0, has_begun=True), False),
    ],
)
def test_only_an_answer_that_has_not_begun_needs_the_callers_audio(asked: Asked, needs: bool) -> None:
    assert asked.needs_audio is needs
