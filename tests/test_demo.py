"""What the demo tells of an answer."""

from __future__ import annotations

import pytest

from mediasrv.call.trace import TurnTrace
from mediasrv.demo import Narrator, waterfalls
from mediasrv.simulator.report import TurnReport


def test_a_waterfall_shows_what_was_waited_for_and_what_was_done_ahead(capsys: pytest.CaptureFixture[str]) -> None:
    trace = TurnTrace(1, 10.0, begun_s=10.1)
    points_s = {"endpoint": 10.4, "final": 10.4, "first_token": 10.2, "first_phrase": 10.44, "sent": 10.44}
    for name, at_s in {**points_s, "heard": 10.5}.items():
        trace.reach(name, at_s)
    Narrator().turn_answered("call-1", trace)
    lines = capsys.readouterr().out.splitlines()
    bars = [line[66:] for line in lines]
    assert [line.split()[0] for line in lines] == ["400", "0", "40", "60", "500"]
    assert bars == ["█" * 20, " " * 5 + "░" * 5, " " * 10 + "░" * 10 + "█" * 2, " " * 22 + "█" * 3, ""]


def heard(response_ms: float) -> TurnReport:
    return TurnReport("", "", 0.0, 1.0, 1.0 + response_ms / 1000, response_ms, cut_in=False, barge_in=None)


def test_on_paper_bars_begin_at_the_callers_last_sound_and_add_up_to_what_he_waited_for() -> None:
    trace = TurnTrace(1, 10.0, begun_s=10.1)
    for name, at_s in {"endpoint": 10.4, "final": 10.41, "first_token": 10.3, "sent": 10.44, "heard": 10.5}.items():
        trace.reach(name, at_s)
    late, early = waterfalls([heard(540.0), heard(350.0)], [trace, trace])
    assert [(bar.name, round(bar.start_ms), round(bar.end_ms)) for bar in late] == [
        ("last sound, and the wire", 0, 40),
        ("endpoint", 40, 440),
        ("final", 440, 450),
        ("first token", 450, 450),
        ("sent", 450, 480),
        ("heard", 480, 540),
    ]
    assert [(round(bar.start_ms), round(bar.end_ms)) for bar in early[1:]] == [
        (0, 250),
        (250, 260),
        (260, 260),
        (260, 290),
        (290, 350),
    ]
    assert [tuple(map(round, bar.ahead_ms)) for bar in early if bar.ahead_ms] == [(-150, 0), (-50, 150)]
    assert waterfalls([heard(540.0)], []) == []
