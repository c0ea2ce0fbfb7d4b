from itertools import pairwise

from mediasrv.call.trace import STAGES, TurnTrace


def reached(**points_s: float) -> TurnTrace:
    trace = TurnTrace(1, 10.0)
    for name, at_s in points_s.items():
        trace.reach(name, at_s)
    return trace


FULL = {"endpoint": 10.45, "final": 10.5, "first_token": 10.7, "first_phrase": 10.8, "first_audio": 10.8}
FULL |= {"sent": 10.85, "heard": 10.9}


def test_the_parts_add_up_to_the_whole() -> None:
    trace = reached(**FULL)
    bars = trace.waterfall()
    assert [bar.name for bar in bars] == [name for name, _ in STAGES]
    assert bars[0].start_ms == 0
    assert all(before.end_ms == after.start_ms for before, after in pairwise(bars))
    assert trace.response_ms is not None
    assert abs(bars[-1].end_ms - trace.response_ms) < 1e-6
    assert abs(trace.response_ms - 900) < 1e-6


def test_only_the_first_time_counts() -> None:
    trace = reached(**FULL)
    trace.reach("first_token", 99.0)
    assert trace.points_s["first_token"] == FULL["first_token"]


def test_a_turn_without_audio_has_no_response() -> None:
    trace = reached(endpoint=10.5, final=10.6)
    assert trace.response_ms is None
    assert [bar.name for bar in trace.waterfall()] == ["endpoint", "final"]


def test_a_stage_that_was_over_before_takes_no_time() -> None:
    bars = reached(**FULL | {"final": 10.2}).waterfall()
    assert bars[1].start_ms == bars[1].end_ms
    assert bars[2].start_ms == bars[1].end_ms
