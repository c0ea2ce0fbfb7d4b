"""Figures of pairs of runs, and how theirs compare to ours."""

from __future__ import annotations

from typing import Any

from native_bench.peers.ratios import compared, paired
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


def kept(contender: str, **members: Any) -> dict[str, Any]:
    figures = FIGURES if contender == "mediasrv" else SLOW
    return {"case": "compare", "peer": "pipecat", "contender": contender, "seed": 1, **figures, **members}


def test_pairs_are_found_in_what_was_kept_of_many_runs() -> None:
    rows = [
        kept("mediasrv"), kept("pipecat"), {"case": "compare", "peer": "pipecat", "calls": 1, "compared": {}},
        kept("mediasrv", calls=8), kept("pipecat", calls=8),
        kept("mediasrv", seed=2), kept("pipecat", seed=2),
        kept("mediasrv", peer="livekit"), kept("livekit", peer="livekit"),
    ]  # fmt: skip
    found = paired(rows)
    assert {key: len(pairs) for key, pairs in found.items()} == {
        ("pipecat", 1): 2,
        ("pipecat", 8): 1,
        ("livekit", 1): 1,
    }
    assert [ours["seed"] for ours, _ in found["pipecat", 1]] == [1, 2]


def test_what_failed_or_says_nothing_makes_no_pair() -> None:
    assert not paired([kept("mediasrv"), kept("pipecat", failure="it died")])
    assert not paired([kept("mediasrv", bottleneck="late"), kept("pipecat")])
    assert not paired([kept("mediasrv", seed=3), kept("pipecat")])
    assert not paired([kept("pipecat"), kept("mediasrv")])
