"""Figures of pairs of runs, and how theirs compare to ours."""

from __future__ import annotations

from native_bench.peers.ratios import compared
from tests.native_bench.test_compare import FIGURES, SLOW


def test_a_ratio_is_theirs_by_ours_with_the_median_of_the_pairs_and_their_spread() -> None:
    pairs = [(FIGURES, SLOW | {"cpu_ms": cpu_ms}) for cpu_ms in (20.0, 40.0, 30.0)]
    (cpu,) = [each for each in compared(pairs) if each.measure.key == "cpu"]
    assert cpu.row() == ("processor time of a call-second", "10.00 ms", "30.00 ms", "3.00", "2.00-4.00")
    assert cpu.figures()["ratio"] == {"median": 3.0, "min": 2.0, "max": 4.0}
    assert cpu.figures()["theirs"] == [20.0, 40.0, 30.0]


def test_what_is_nothing_with_us_has_no_ratio_but_both_figures() -> None:
    holed = SLOW | {"silence_ms": {"p99": 120.0}}
    (silence,) = [each for each in compared([(FIGURES, holed)]) if each.measure.key == "silence_p99"]
    assert silence.row() == ("silence inside an utterance, p99", "0 ms", "120 ms", "", "")
    assert silence.figures()["ratio"] is None


def test_shares_are_of_what_was_tried() -> None:
    (cut,) = [each for each in compared([(FIGURES, SLOW | {"pauses": 8})]) if each.measure.key == "cut_ins"]
    assert (cut.ours, cut.theirs) == ((25.0,), (12.5,))


def test_a_pair_of_which_one_side_has_no_figure_does_not_count() -> None:
    deaf = SLOW | {"answer_ms": None, "pauses": 0}
    found = {each.measure.key: each for each in compared([(FIGURES, SLOW), (FIGURES, deaf)])}
    assert len(found["answer_p50"].theirs) == len(found["cut_ins"].ours) == 1
    assert len(found["cpu"].theirs) == 2


def test_without_pairs_there_is_nothing() -> None:
    assert compared([]) == []
