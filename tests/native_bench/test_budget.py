"""Figures against budgets."""

from __future__ import annotations

from native_bench.turntaking.budget import Figure, judged_by
from native_bench.turntaking.judgement import DisturbanceVerdict, TurnVerdict
from native_bench.turntaking.plan import Over
from native_bench.turntaking.report import figures
from native_bench.turntaking.tally import Disturbed, Tally, Turned
from native_bench.turntaking.utterances import Kind


def turned(kind: Kind, *, latency_ms: float | None = None, cut_in_ms: float | None = None) -> Turned:
    return Turned(kind.value, "quiet line", "clip", TurnVerdict(False, cut_in_ms, latency_ms))


def by_name(turns: list[Turned], disturbances: list[Disturbed]) -> dict[str, Figure]:
    tally = Tally(1, 1.0, None, [], turns=turns, disturbances=disturbances)
    return {each.name: each for each in judged_by(figures(tally))}


def test_a_server_within_its_budgets_breaks_none() -> None:
    found = by_name([turned(kind, latency_ms=400.0) for kind in Kind], [])
    assert not any(each.is_over for each in found.values())
    assert found["last sample to answer, p50"].value == 400.0


def test_one_cut_in_without_a_pause_is_one_too_many() -> None:
    turns = [turned(Kind.FLOWING, latency_ms=400.0) for _ in range(99)] + [turned(Kind.FLOWING, cut_in_ms=900.0)]
    assert by_name(turns, [])["cut-ins, no pause"].is_over


def test_one_in_five_cut_ins_is_allowed_in_long_pauses_and_not_in_short_ones() -> None:
    for kind, is_over in ((Kind.LONG, False), (Kind.SHORT, True)):
        turns = [turned(kind, latency_ms=400.0)] * 4 + [turned(kind, cut_in_ms=900.0)]
        assert by_name(turns, [])[f"cut-ins, {kind.value}"].is_over is is_over


def test_a_late_answer_and_none_break_their_budgets() -> None:
    found = by_name([turned(Kind.FLOWING, latency_ms=700.0), turned(Kind.FLOWING)], [])
    assert found["last sample to answer, p50"].is_over
    assert found["missed turns"].row() == ("missed turns", "50.0 %", "at most 1 %", "OVER")


def test_replies_abandoned_for_nothing_and_late_resumption_break_their_budgets() -> None:
    verdicts = [DisturbanceVerdict(True, True, None), DisturbanceVerdict(False, True, 900.0)]
    coughs = [Disturbed(Over.COUGH.value, "quiet line", "cough", each, -20.0) for each in verdicts]
    found = by_name([], coughs)
    assert found["abandoned: cough, throat, sneeze"].value == 50.0
    assert found["silence to resumption, p99 of the worst kind"].is_over
    assert found["largest step at an interruption"].is_over


def test_a_run_without_trials_has_no_figures() -> None:
    assert by_name([], []) == {}
