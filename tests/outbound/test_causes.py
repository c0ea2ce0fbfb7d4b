"""Carriers' words."""

from __future__ import annotations

import pytest

from mediasrv.outbound.causes import Ending, ending_of, is_over, state_word


@pytest.mark.parametrize(
    ("cause", "ending"),
    [
        ("Busy", Ending.BUSY),
        ("USER_BUSY", Ending.BUSY),
        ("3010", Ending.BUSY),
        ("No Answer", Ending.NO_ANSWER),
        ("no-answer", Ending.NO_ANSWER),
        ("timeout", Ending.NO_ANSWER),
        ("Ring Timeout", Ending.NO_ANSWER),
        ("6010", Ending.NO_ANSWER),
        ("Concurrency Limit Breached", Ending.CONGESTION),
        ("5030", Ending.CONGESTION),
        ("Media Timeout", Ending.OTHER),
        ("Normal Hangup", Ending.OTHER),
        ("Rejected", Ending.OTHER),
        ("", Ending.OTHER),
    ],
)
def test_a_cause_has_a_meaning(cause: str, ending: Ending) -> None:
    assert ending_of(cause) is ending


@pytest.mark.parametrize(
    ("state", "word"),
    [("queued", "placed"), ("", "placed"), ("ringing", "ringing"), ("in-progress", "answered"), ("live", "answered")],
)
def test_a_state_is_one_of_ours(state: str, word: str) -> None:
    assert not is_over(state)
    assert state_word(state) == word


@pytest.mark.parametrize("state", ["completed", "busy", "failed", "no-answer", "timeout", "canceled", "Cancelled"])
def test_what_is_over_is_over(state: str) -> None:
    assert is_over(state)
