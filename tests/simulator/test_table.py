"""A call's report for people."""

from __future__ import annotations

from mediasrv.simulator.playout import Gap
from mediasrv.simulator.report import report
from mediasrv.simulator.table import table
from tests.simulator.calls import call


def test_a_report_is_a_table_with_a_line_for_each_turn() -> None:
    figures = report(
        call(
            {"one": (2000, 3000), "stop": (4000, 5000)},
            (100, 1500),
            (3450, 4180),
            clears=(4150 * 8,),
            sent={"start": 1, "media": 500},
            gaps=(Gap(8000, 40, marked=False), Gap(9000, 80, marked=False)),
        )
    )
    lines = table(figures).splitlines()
    assert lines[0] == "10.0 s of audio/x-l16;rate=8000, ended by: the caller hung up (1000)"
    assert lines[2].split() == ["turn", "said", "at", "answer"]
    assert lines[3].split() == ["1", "the", "words", "of", "one", "2.0", "s", "450", "ms"]
    assert lines[4].endswith("none    interrupted the agent: clear after 150 ms, silent after 180 ms")
    text = "\n".join(lines)
    assert "greeting            100 ms" in text
    assert "response latency    median 450 ms, longest 450 ms" in text
    assert "underruns           2, 15 ms together, longest 10 ms" in text
    assert "500 media, 1 start" in text
    assert "received            nothing" in text


def test_a_call_that_came_to_nothing_is_told_too() -> None:
    figures = report(call({}, tones="12#", errors=("not JSON", "not an object")))
    text = table(figures)
    assert "turn" not in text
    assert "response latency" not in text
    assert "greeting            none" in text
    assert "tones               12#" in text
    assert text.endswith("error               not JSON\nerror               not an object")


def test_manners_are_noted_and_long_sentences_cut() -> None:
    figures = report(call({"x" + " and so on" * 10: (1000, 4000)}, (900, 1500), (2500, 3000)))
    line = table(figures).splitlines()[3]
    assert "the agent cut in; interrupted the agent: no clear, silent after 500 ms" in line
    assert " …" in line
