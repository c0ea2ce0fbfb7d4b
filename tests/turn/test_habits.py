from __future__ import annotations

from hypothesis import given
from hypothesis.strategies import integers, lists

from mediasrv.turn.habits import LONGEST_MS, MARGIN_MS, Habits


def test_nothing_is_known_of_a_caller_who_has_not_paused() -> None:
    habits = Habits()
    assert habits.pause_ms == habits.cut_in_ms == 0


def test_long_pauses_are_learnt_at_once_and_forgotten_slowly() -> None:
    habits = Habits()
    for _ in range(3):
        habits.went_on(700)
    learnt_ms = habits.pause_ms
    assert learnt_ms > 500
    habits.went_on(100)
    assert learnt_ms - 60 < habits.pause_ms < learnt_ms
    for _ in range(30):
        habits.went_on(100)
    assert habits.pause_ms < 250


def test_a_cut_in_teaches_more_than_a_pause_we_let_pass() -> None:
    patient, hasty = Habits(), Habits()
    patient.went_on(600)
    hasty.cut_in(600)
    assert patient.pause_ms < 600 < hasty.pause_ms
    assert patient.cut_in_ms == 0
    assert hasty.cut_in_ms > 600


def test_a_cut_in_is_forgotten_while_the_caller_pauses_in_peace() -> None:
    habits = Habits()
    habits.cut_in(500)
    for _ in range(90):
        habits.went_on(200)
    assert habits.cut_in_ms == 0


@given(lists(integers(-100, 10**9)), lists(integers(-100, 10**9)))
def test_no_pause_is_believed_without_limit(pauses_ms: list[int], cuts_ms: list[int]) -> None:
    habits = Habits()
    for pause_ms in pauses_ms:
        habits.went_on(pause_ms)
    for pause_ms in cuts_ms:
        habits.cut_in(pause_ms)
    assert 0 <= habits.pause_ms <= LONGEST_MS + MARGIN_MS
    assert 0 <= habits.cut_in_ms <= LONGEST_MS + MARGIN_MS
