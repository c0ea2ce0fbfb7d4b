from itertools import pairwise

import pytest

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


def test_what_was_done_before_it_was_waited_for_is_told_apart() -> None:
    ready_s = {"first_token": 10.2, "first_phrase": 10.3, "first_audio": 10.75}
    trace = reached(**FULL | {"endpoint": 10.45, "final": 10.5} | ready_s)
    trace.begun_s = 10.1
    bars = {bar.name: bar for bar in trace.waterfall()}
    assert bars["endpoint"].ahead_ms is None
    assert bars["first_token"].ahead_ms == pytest.approx((100, 200))
    assert bars["first_phrase"].ahead_ms == pytest.approx((200, 300))
    assert bars["first_audio"].ahead_ms == pytest.approx((300, 500))
    assert [round(bars[name].lasted_ms) for name in ready_s] == [0, 0, 250]
    assert bars["sent"].ahead_ms is None


def test_a_reply_that_was_begun_when_it_was_wanted_has_nothing_ahead() -> None:
    trace = reached(**FULL)
    trace.begun_s = FULL["final"]
    assert [bar.ahead_ms for bar in trace.waterfall()] == [None] * len(STAGES)


def test_only_what_took_time_is_something() -> None:
    trace = reached(**FULL | {"final": 10.3, "first_phrase": 10.7, "first_token": 10.2})
    trace.begun_s = 10.1
    nothing = [bar.name for bar in trace.waterfall() if bar.is_nothing]
    assert nothing == ["final"]


def test_the_rounded_parts_add_up_to_the_rounded_whole() -> None:
    trace = reached(**{name: 10 + 0.1004 * (place + 1) for place, (name, _) in enumerate(STAGES)})
    assert list(trace.parts_ms()) == [f"{name}_ms" for name, _ in STAGES]
    assert sum(trace.parts_ms().values()) == round(trace.response_ms or 0) == 703


def test_a_stage_that_was_not_reached_takes_no_time() -> None:
    points_s = {name: at_s for name, at_s in FULL.items() if name != "first_phrase"}
    parts_ms = reached(**points_s).parts_ms()
    assert parts_ms["first_phrase_ms"] == 0
    assert sum(parts_ms.values()) == 900


def test_until_it_is_known_that_a_reply_was_heard_it_is_not_known_late() -> None:
    assert reached(**FULL).known_after_s == reached().known_after_s == 0.0
