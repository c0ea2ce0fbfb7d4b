"""Calls in figures: every time is known beforehand, to the sample."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from mediasrv.simulator.playout import Gap
from mediasrv.simulator.report import BargeIn, Hole, Slip, report
from tests.simulator.calls import call


def test_a_response_is_measured_from_voice_to_voice() -> None:
    figures = report(call({"one": (2000, 3000), "two": (6000, 7000)}, (120, 900), (3450, 5000), (7612, 8000)))
    assert figures.greeting_ms == 120
    assert [turn.response_ms for turn in figures.turns] == [450, 612]
    assert [turn.answer_s for turn in figures.turns] == [3.45, 7.612]
    assert (figures.turns[0].begin_s, figures.turns[0].end_s) == (2, 3)
    assert figures.turns[1].text == "the words of two"
    assert not any(turn.cut_in or turn.barge_in for turn in figures.turns)


def test_a_turn_without_an_answer_has_no_latency() -> None:
    figures = report(call({"one": (1000, 2000), "two": (5000, 6000)}, (6500, 7000)))
    assert [turn.response_ms for turn in figures.turns] == [None, 500]
    assert figures.turns[0].answer_s is None
    assert figures.greeting_ms is None


def test_an_agent_that_speaks_alone_has_greeted() -> None:
    assert report(call({}, (300, 900))).greeting_ms == 300
    assert report(call({})).greeting_ms is None


def test_an_agent_that_begins_in_mid_utterance_has_cut_in() -> None:
    turn = report(call({"one": (1000, 4000)}, (2500, 5000))).turns[0]
    assert turn.cut_in
    assert turn.response_ms is None
    assert turn.barge_in is None


def test_a_barge_in_is_measured_from_the_callers_onset() -> None:
    figures = report(
        call({"one": (1000, 2000), "stop": (4000, 5000)}, (2500, 4180), (5600, 6000), clears=(4150 * 8, 9000 * 8))
    )
    assert figures.turns[0].barge_in is None
    assert figures.turns[1].barge_in == BargeIn(clear_ms=150, tail_ms=180)
    assert figures.turns[1].response_ms == 600


def test_an_agent_that_talks_on_was_interrupted_without_a_clear() -> None:
    figures = report(call({"stop": (1000, 2000), "again": (7000, 7500)}, (200, 4000), clears=(7100 * 8,)))
    assert figures.turns[0].barge_in == BargeIn(clear_ms=None, tail_ms=3000)
    assert figures.turns[1].barge_in is None


def test_holes_behind_a_mark_are_told_apart() -> None:
    figures = report(call({}, gaps=(Gap(8000, 40, marked=False), Gap(16000, 400, marked=True))))
    assert figures.underruns == (Hole(1.0, 5.0),)
    assert figures.marked_gaps == (Hole(2.0, 50.0),)


def test_the_callers_own_lateness_is_reported() -> None:
    lateness_ms = np.arange(1001, dtype=np.float32) / 100
    assert report(call({}, lateness_ms=lateness_ms)).slip == Slip(1001, 5.0, 9.9, 10.0)
    assert report(call({}, lateness_ms=lateness_ms[:0])).slip == Slip(0, 0.0, 0.0, 0.0)


def test_a_report_is_json() -> None:
    figures = report(call({"one": (1000, 2000)}, (2400, 3000), unheard_samples=80, tones="12"))
    read = orjson.loads(orjson.dumps(figures))
    assert read["turns"][0]["response_ms"] == pytest.approx(400)
    assert read["turns"][0]["barge_in"] is None
    assert (read["unheard_ms"], read["tones"], read["close_code"]) == (10, "12", 1000)
