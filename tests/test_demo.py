"""What the demo tells of an answer."""

from __future__ import annotations

import pytest

from mediasrv.call.trace import TurnTrace
from mediasrv.demo import Narrator


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
