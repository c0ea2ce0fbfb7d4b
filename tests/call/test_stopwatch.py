from __future__ import annotations

from mediasrv.call.stopwatch import Stopwatch
from mediasrv.call.trace import TurnTrace


def test_it_runs_from_the_answers_first_audio_to_the_ear() -> None:
    watch, trace = Stopwatch(), TurnTrace(1, 10.0)
    watch.run(trace)
    watch.answer_begins(10.5, 9.0)
    watch.audio_sent(10.51, 10.51)
    assert watch.audible(10.6) is trace
    assert trace.points_s == {"first_audio": 10.5, "sent": 10.51, "heard": 10.6}


def test_a_turn_is_told_once() -> None:
    watch = Stopwatch()
    watch.run(TurnTrace(1))
    watch.answer_begins(1.0, 1.0)
    assert watch.audible(1.1) is not None
    assert watch.audible(1.2) is None
    assert watch.heard() is None


def test_what_goes_ahead_of_the_answer_is_not_the_answer() -> None:
    watch, trace = Stopwatch(), TurnTrace(1)
    watch.run(trace)
    watch.audio_sent(1.0, 1.0)
    assert watch.audible(1.1) is None
    watch.answer_begins(1.5, 2.0)
    watch.audio_sent(1.5, 1.8)
    assert "sent" not in trace.points_s
    watch.audio_sent(1.9, 2.0)
    assert watch.heard() is trace
    assert (trace.points_s["sent"], trace.points_s["heard"]) == (1.9, 2.0)


def test_only_the_first_beginning_counts() -> None:
    watch, trace = Stopwatch(), TurnTrace(1)
    watch.run(trace)
    watch.answer_begins(1.0, 1.0)
    watch.answer_begins(3.0, 3.0)
    assert watch.audible(1.1) is trace
    assert trace.points_s["first_audio"] == 1.0


def test_a_turn_that_is_not_answered_is_not_told() -> None:
    watch = Stopwatch()
    watch.answer_begins(1.0, 1.0)
    assert watch.audible(1.0) is None
    watch.run(TurnTrace(1))
    watch.stop()
    watch.answer_begins(1.0, 1.0)
    watch.audio_sent(1.0, 1.0)
    assert watch.audible(1.1) is None
    assert watch.heard() is None
