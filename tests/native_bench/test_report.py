"""Figures of a run that is made up."""

from __future__ import annotations

from native_bench.turntaking.judgement import BargeInVerdict, DisturbanceVerdict, TurnVerdict
from native_bench.turntaking.plan import Over
from native_bench.turntaking.report import figures, table, trials
from native_bench.turntaking.tally import BrokeIn, Distribution, Disturbed, Tally, Turned, distribution, speculation
from native_bench.turntaking.utterances import Kind

QUIET = "quiet line"


def turned(
    kind: Kind | Over, latency_ms: float | None = None, *, cut_in_ms: float | None = None, collided: bool = False
) -> Turned:
    return Turned(kind.value, QUIET, "clip", TurnVerdict(collided, cut_in_ms, latency_ms))


def tally() -> Tally:
    made = Tally(20, 60.0, Distribution(100, 0.1, 0.5, 1.0, 2.0), [])
    made.turns = [
        turned(Kind.FLOWING, 400.0),
        turned(Kind.FLOWING, 500.0),
        turned(Kind.FLOWING),
        turned(Kind.LONG, 450.0, cut_in_ms=900.0),
        turned(Kind.LONG, 100.0, collided=True),
        turned(Over.BARGE_IN, 700.0),
    ]
    made.barge_ins = [
        BrokeIn(Over.BARGE_IN.value, QUIET, "clip", BargeInVerdict(130.0, 150.0, False), -40.0),
        BrokeIn(Over.BARGE_IN.value, QUIET, "clip", BargeInVerdict(None, 2000.0, True), None),
    ]
    made.disturbances = [
        Disturbed(Over.COUGH.value, QUIET, "cough", DisturbanceVerdict(True, True, None), -20.0),
        Disturbed(Over.COUGH.value, QUIET, "cough", DisturbanceVerdict(False, True, 200.0), None),
    ]
    made.void = [Over.ECHO.value]
    made.speculation = speculation([20, 3, 0, 20], heard=2)
    return made


def test_latency_counts_where_nobody_was_cut_into() -> None:
    classes = figures(tally())["turns"]
    flowing, long = classes[Kind.FLOWING.value], classes[Kind.LONG.value]
    assert (flowing["count"], flowing["latency_ms"]["p50"], flowing["missed"]) == (3, 450.0, 1)
    assert (long["count"], long["latency_ms"], long["cut_ins"], long["collisions"]) == (1, None, 1, 1)


def test_all_are_all_but_barge_ins() -> None:
    classes = figures(tally())["turns"]
    assert classes["all"]["count"] == 4
    assert classes[QUIET]["count"] == 4
    assert classes[Over.BARGE_IN.value]["latency_ms"]["p50"] == 700.0


def test_a_missed_barge_in_counts_and_its_silence_does_not() -> None:
    broke = figures(tally())["barge_ins"][Over.BARGE_IN.value]
    assert (broke["count"], broke["missed"], broke["silent_ms"]["most"]) == (2, 1, 150.0)


def test_abandoned_and_broken_replies_count() -> None:
    found = figures(tally())["disturbances"][Over.COUGH.value]
    assert (found["count"], found["abandoned"], found["broken"], found["resumed_ms"]["p50"]) == (2, 1, 2, 200.0)


def test_the_largest_step_is_the_loudest() -> None:
    assert figures(tally())["largest_step_db"] == -20.0


def test_tokens_beyond_those_of_replies_that_were_heard_are_in_vain() -> None:
    assert speculation([20, 3, 0, 20], heard=2).wasted_tokens == 3
    assert speculation([20, 3], heard=2).wasted == 0.0
    assert speculation([], heard=0).wasted == 0.0


def test_a_distribution_of_nothing_is_none() -> None:
    assert distribution([None, None]) is None


def test_the_table_holds_every_class_and_what_went_wrong() -> None:
    made = tally()
    made.failures = [f"call {number} broke off" for number in range(9)]
    made.complaints = ["an empty message of audio"]
    text = table(made)
    for words in (Kind.LONG.value, Over.COUGH.value, "onset to clear", "1 echo of the bot", "call 4 broke", "an empty"):
        assert words in text
    assert "call 5 broke" not in text


def test_a_run_in_which_nothing_happened_has_a_table_too() -> None:
    assert "never" in table(Tally(1, 0.0, None, ["call 1 was not taken"]))


def test_every_trial_is_told() -> None:
    assert len(trials(tally())) == 10
