"""What a case says, and when it says nothing."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import orjson
import pytest

from native_bench.bargein import BARGE_IN
from native_bench.turntaking.command import tell, trials_of_a_class
from native_bench.turntaking.tally import Distribution, Tally


def flags(tmp_path: Path, slip_ms: float) -> Namespace:
    return Namespace(slip=slip_ms, json=tmp_path / "figures.jsonl", trials=None, material="tune", seed=1)


def tally() -> Tally:
    return Tally(20, 60.0, Distribution(100, 0.5, 5.0, 12.0, 30.0), [])


def test_callers_who_are_late_are_no_witnesses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(BARGE_IN, flags(tmp_path, 10.0), {"patience": 2}, tally()) == 1
    said = capsys.readouterr().out
    assert "not reported: the callers themselves were late, p99 12.0 ms" in said
    assert "over the reply" not in said
    kept = orjson.loads((tmp_path / "figures.jsonl").read_bytes())
    assert "turns" not in kept
    assert kept["slip_p99_ms"] == 12.0


def test_callers_who_are_in_time_are_heard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tell(BARGE_IN, flags(tmp_path, 15.0), {"patience": 2}, tally()) == 0
    said = capsys.readouterr().out
    assert "patience = 2" in said
    assert "over the reply" in said
    assert "turns" in orjson.loads((tmp_path / "figures.jsonl").read_bytes())


def test_a_call_that_failed_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = tally()
    made.failures = ["call 1 was not taken"]
    assert tell(BARGE_IN, flags(tmp_path, 15.0), {}, made) == 1
    assert "call 1 was not taken" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("quick", "asked", "callers", "trials"),
    [(False, None, 1, 5), (False, None, 20, 100), (False, None, 100, 100), (False, 7, 1, 7), (True, None, 20, 6)],
)
def test_few_callers_make_few_trials_unless_they_are_asked_to(
    quick: bool, asked: int | None, callers: int, trials: int
) -> None:
    assert trials_of_a_class(Namespace(quick=quick, per_class=asked), callers) == trials
