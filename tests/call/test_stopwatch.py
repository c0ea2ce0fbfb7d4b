from __future__ import annotations

import logging

import pytest

from mediasrv.call.stopwatch import Stopwatch
from mediasrv.call.trace import TurnTrace
from tests.call.stage import Watch


def watching() -> tuple[Stopwatch, TurnTrace, Watch]:
    """A stopwatch that runs for a turn, and what it tells."""
    watch, trace = Watch(), TurnTrace(1, 10.0)
    stopwatch = Stopwatch("call-1", watch)
    stopwatch.run(trace)
    return stopwatch, trace, watch


def test_it_runs_from_the_answers_first_audio_to_the_ear() -> None:
    stopwatch, trace, watch = watching()
    stopwatch.answer_begins(10.5, 9.0)
    stopwatch.audio_sent(10.51, 10.51, 10.71)
    stopwatch.audible(10.6, 0.09, 12.0)
    assert watch.traces == [trace]
    assert trace.points_s == {"first_audio": 10.5, "sent": 10.51, "heard": 10.6}
    assert trace.known_after_s == pytest.approx(1.4)


def test_the_log_tells_where_the_time_went(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    stopwatch, trace, _ = watching()
    trace.reach("endpoint", 10.4004)
    trace.reach("final", 10.3)
    trace.reach("first_token", 10.4508)
    stopwatch.answer_begins(10.5, 9.0)
    stopwatch.audio_sent(10.5012, 10.5012, 10.7)
    stopwatch.audible(10.6, 0.08, 12.0)
    (record,) = caplog.records
    facts = vars(record)
    assert (record.getMessage(), facts["call"], facts["turn"], facts["ms"]) == ("turn answered", "call-1", 1, 600)
    parts_ms = {"endpoint": 400, "final": 0, "first_token": 51, "first_phrase": 0, "first_audio": 49, "sent": 1}
    assert {name: facts[f"{name}_ms"] for name in parts_ms} == parts_ms
    assert facts["heard_ms"] == 600 - sum(parts_ms.values())


def test_a_turn_is_told_once() -> None:
    stopwatch, trace, watch = watching()
    stopwatch.answer_begins(11.0, 11.0)
    stopwatch.audio_sent(11.0, 11.0, 11.2)
    stopwatch.audible(11.1, 0.1, 12.0)
    stopwatch.audible(11.2, 0.1, 12.0)
    stopwatch.heard(0.1, 12.0)
    assert watch.traces == [trace]


def test_what_goes_ahead_of_the_answer_is_not_the_answer() -> None:
    stopwatch, trace, watch = watching()
    stopwatch.heard(0.1, 12.0)
    stopwatch.audio_sent(11.0, 11.0, 11.2)
    stopwatch.audible(11.1, 0.1, 12.0)
    stopwatch.answer_begins(11.5, 12.0)
    stopwatch.audio_sent(11.5, 11.8, 12.0)
    stopwatch.audible(11.6, 0.1, 12.0)
    assert "sent" not in trace.points_s
    stopwatch.audio_sent(11.9, 12.0, 12.2)
    assert watch.traces == []
    stopwatch.heard(0.1, 12.0)
    assert watch.traces == [trace]
    assert (trace.points_s["sent"], trace.points_s["heard"]) == (11.9, 12.1)


def test_an_answer_may_be_sent_with_the_end_of_what_goes_ahead_of_it() -> None:
    stopwatch, trace, _ = watching()
    stopwatch.answer_begins(11.5, 12.0)
    stopwatch.audio_sent(11.9, 11.95, 12.2)
    stopwatch.heard(0.1, 12.0)
    assert (trace.points_s["sent"], trace.points_s["heard"]) == (11.9, 12.1)


def test_only_the_first_beginning_counts() -> None:
    stopwatch, trace, _ = watching()
    stopwatch.answer_begins(11.0, 11.0)
    stopwatch.answer_begins(13.0, 13.0)
    stopwatch.audio_sent(11.0, 11.0, 11.2)
    stopwatch.audio_sent(11.1, 11.2, 11.4)
    stopwatch.audible(11.1, 0.0, 12.0)
    assert trace.points_s == {"first_audio": 11.0, "sent": 11.0, "heard": 11.1}


def test_a_turn_that_is_not_answered_is_not_told() -> None:
    watch = Watch()
    stopwatch = Stopwatch("call-1", watch)
    stopwatch.answer_begins(1.0, 1.0)
    stopwatch.audible(1.0, 0.0, 12.0)
    stopwatch.run(TurnTrace(1))
    stopwatch.stop()
    stopwatch.answer_begins(1.0, 1.0)
    stopwatch.audio_sent(1.0, 1.0, 1.2)
    stopwatch.audible(1.1, 0.0, 12.0)
    stopwatch.heard(0.0, 12.0)
    assert watch.traces == []
