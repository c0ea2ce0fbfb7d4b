"""What counts as what, at 8 kHz: each good course of a call has twins in which one thing went wrong."""

from __future__ import annotations

import pytest

from mediasrv.simulator.voice import Span
from native_bench.turntaking.judgement import Heard, judge_barge_in, judge_disturbance, judge_turn

SAID = Span(8000, 24_000)
"""From 1 to 3 s."""
LATE = 10**9


def heard(
    *spans: tuple[int, int], clears: tuple[int, ...] = (), heads: tuple[int, ...] = (), tails: tuple[int, ...] = ()
) -> Heard:
    return Heard(8000, [Span(*span) for span in spans], clears, heads, tails)


def test_an_answer_behind_the_last_sample_has_a_latency() -> None:
    verdict = judge_turn(heard((27_200, 60_000)), SAID, LATE)
    assert (verdict.latency_ms, verdict.cut_in_ms, verdict.is_missed) == (400.0, None, False)


def test_a_reply_that_comes_early_is_a_cut_in() -> None:
    verdict = judge_turn(heard((23_999, 60_000)), SAID, LATE)
    assert (verdict.latency_ms, verdict.cut_in_ms, verdict.is_missed) == (None, 1999.875, False)


def test_a_reply_that_was_cut_in_and_came_again_is_still_a_cut_in() -> None:
    verdict = judge_turn(heard((16_000, 17_000), (27_200, 60_000)), SAID, LATE)
    assert (verdict.latency_ms, verdict.cut_in_ms) == (400.0, 1000.0)


def test_a_bot_that_begins_when_the_caller_does_collides_with_him_and_is_judged_no_further() -> None:
    verdict = judge_turn(heard((9599, 10_000), (27_200, 60_000)), SAID, LATE)
    assert (verdict.is_collision, verdict.cut_in_ms, verdict.is_missed) == (True, None, False)


def test_a_bot_that_begins_a_little_later_cuts_in() -> None:
    verdict = judge_turn(heard((9600, 10_000), (27_200, 60_000)), SAID, LATE)
    assert (verdict.is_collision, verdict.cut_in_ms) == (False, 200.0)


def test_a_reply_that_was_going_on_is_no_cut_in() -> None:
    assert judge_turn(heard((0, 9000), (27_200, 60_000)), SAID, LATE).cut_in_ms is None


@pytest.mark.parametrize("spans", [[], [(48_001, 60_000)], [(0, 9000)]])
def test_silence_a_late_answer_and_an_old_reply_are_missed_turns(spans: list[tuple[int, int]]) -> None:
    assert judge_turn(heard(*spans), SAID, LATE).is_missed


def test_an_answer_to_what_was_said_next_is_none_to_this() -> None:
    assert judge_turn(heard((27_200, 60_000)), SAID, until=27_000).is_missed


def test_a_barge_in_is_measured_from_the_onset() -> None:
    verdict = judge_barge_in(heard((0, 9200), (30_000, 60_000), clears=(8960,)), SAID)
    assert (verdict.clear_ms, verdict.silent_ms, verdict.is_missed) == (120.0, 150.0, False)


def test_a_bot_that_talks_on_for_a_second_missed_the_barge_in() -> None:
    assert judge_barge_in(heard((0, 16_001)), SAID).is_missed


def test_a_bot_that_gives_way_and_comes_back_missed_the_barge_in() -> None:
    assert judge_barge_in(heard((0, 9200), (20_000, 30_000), clears=(8960,)), SAID).is_missed


def test_a_bot_that_lets_its_queue_run_dry_gave_way_without_a_clear() -> None:
    verdict = judge_barge_in(heard((0, 9200)), SAID)
    assert (verdict.clear_ms, verdict.is_missed) == (None, False)


def test_a_clear_from_before_is_none_of_this_barge_in() -> None:
    assert judge_barge_in(heard((0, 9200), clears=(7999,)), SAID).clear_ms is None


def test_a_reply_that_goes_on_to_its_end_was_not_disturbed() -> None:
    verdict = judge_disturbance(heard((0, 48_000), heads=(0,), tails=(40_000,)), SAID, LATE)
    assert (verdict.is_abandoned, verdict.is_broken, verdict.resumed_ms) == (False, False, None)


def test_a_reply_that_pauses_is_broken_and_its_silence_counts_from_the_callers() -> None:
    course = heard((0, 9000), (26_400, 48_000), heads=(0,), tails=(40_000,))
    verdict = judge_disturbance(course, SAID, LATE)
    assert (verdict.is_abandoned, verdict.is_broken, verdict.resumed_ms) == (False, True, 300.0)


def test_a_reply_that_goes_on_while_the_caller_coughs_made_nobody_wait() -> None:
    assert judge_disturbance(heard((0, 9000), (12_000, 48_000), tails=(40_000,)), SAID, LATE).resumed_ms == 0.0


def test_a_reply_whose_end_is_not_heard_is_abandoned() -> None:
    verdict = judge_disturbance(heard((0, 9000), clears=(9000,), heads=(0,)), SAID, LATE)
    assert (verdict.is_abandoned, verdict.is_broken, verdict.resumed_ms) == (True, True, None)


def test_a_reply_that_begins_anew_is_abandoned() -> None:
    course = heard((0, 9000), (30_000, 78_000), heads=(0, 30_000), tails=(70_000,))
    verdict = judge_disturbance(course, SAID, LATE)
    assert (verdict.is_abandoned, verdict.resumed_ms) == (True, None)


def test_an_end_that_is_heard_in_the_next_reply_is_not_this_ones() -> None:
    assert judge_disturbance(heard((0, 9000), (90_000, 130_000), tails=(120_000,)), SAID, until=80_000).is_abandoned


def test_a_clear_within_a_reply_breaks_it_though_nothing_is_missing() -> None:
    verdict = judge_disturbance(heard((0, 48_000), clears=(9000,), tails=(40_000,)), SAID, LATE)
    assert (verdict.is_abandoned, verdict.is_broken) == (False, True)
