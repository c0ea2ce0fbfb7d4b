"""The comparison as a whole, with runs that are made up: what it says, what it keeps, and how it breaks off."""

from __future__ import annotations

import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from mediasrv.errors import ConfigError
from native_bench import compare
from native_bench.peers.bout import Plans
from native_bench.peers.contenders import RECIPES, Contender, Ours, Peer
from native_bench.processes import ServerDied
from native_bench.turntaking import material

FIGURES: dict[str, Any] = {
    "answer_ms": {"count": 8, "p50": 500.0, "p90": 550.0, "p99": 600.0, "most": 610.0},
    "clear_ms": {"count": 4, "p50": 100.0, "p90": 110.0, "p99": 120.0, "most": 120.0},
    "turns": 8,
    "missed": 0,
    "cut_ins": 0,
    "pauses": 4,
    "cut_ins_at_pauses": 1,
    "barge_ins": 4,
    "missed_barge_ins": 0,
    "slip_ms": {"count": 100, "p50": 1.0, "p90": 1.0, "p99": 2.0, "most": 3.0},
    "failures": [],
    "complaints": [],
    "calls": 1,
    "cpu_ms": 10.0,
    "idle_mb": 200.0,
    "call_mb": 0.5,
    "silence_ms": {"count": 9, "p50": 0.0, "p90": 0.0, "p99": 0.0, "most": 0.0},
}
SLOW: dict[str, Any] = FIGURES | {"answer_ms": {"p50": 1000.0, "p99": 1800.0}, "cpu_ms": 90.0, "call_mb": 20.0}
Made = Callable[[Contender, Plans], dict[str, Any]]


def usual(contender: Contender, plans: Plans) -> dict[str, Any]:
    return FIGURES if isinstance(contender, Ours) else SLOW


def run(monkeypatch: pytest.MonkeyPatch, made: Made, *arguments: object) -> int:
    """Compare, with made-up runs against a peer that is there."""

    async def fight(contender: Contender, plans: Plans, *_: object) -> dict[str, Any]:
        return made(contender, plans)

    monkeypatch.setattr(compare, "fight", fight)
    monkeypatch.setattr(Peer, "versions", lambda _: {"pipecat-ai": "1.14.0"})
    monkeypatch.setattr(sys, "argv", ["compare", "--peer", "pipecat", *map(str, arguments)])
    return compare.main()


def kept(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def test_runs_alternate_on_the_same_calls_and_ratios_are_told_with_their_spread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, seen = tmp_path / "kept.jsonl", list[tuple[str, int]]()

    def made(contender: Contender, plans: Plans) -> dict[str, Any]:
        seen.append((contender.name, id(plans)))
        return usual(contender, plans)

    assert run(monkeypatch, made, "--calls", "1,4", "--pairs", 2, "--json", path) == 0
    assert [name for name, _ in seen] == ["mediasrv", "pipecat"] * 4
    assert all(ours == theirs for (_, ours), (_, theirs) in zip(seen[::2], seen[1::2], strict=True))
    said = capsys.readouterr().out
    assert "pipecat: pipecat-ai 1.14.0" in said
    assert "4 calls at a time, 2 pairs" in said
    (line,) = [each for each in said.split("4 calls")[1].splitlines() if "p50" in each and "answer" in each]
    assert line.split() == ["last", "sample", "to", "answer,", "p50", "500", "ms", "1000", "ms", "2.00", "2.00-2.00"]
    rows = kept(path)
    assert [row.get("contender", "both") for row in rows] == [*["mediasrv", "pipecat"] * 2, "both"] * 2
    assert {"machine", "versions", "peer_versions", "commit", "cores_used"} <= rows[0].keys()
    assert rows[2]["seed"] == rows[3]["seed"] == rows[0]["seed"] + 1
    assert rows[-1]["compared"]["answer_p99"]["ratio"] == {"median": 3.0, "min": 3.0, "max": 3.0}


def test_callers_are_as_many_as_were_asked_for_and_break_in(monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[Plans] = []

    def made(contender: Contender, each: Plans) -> dict[str, Any]:
        plans.append(each)
        return FIGURES

    assert run(monkeypatch, made, "--calls", "1,5", "--pairs", 1) == 0
    assert [(len(each.warming), len(each.calls)) for each in plans[::2]] == [(1, 1), (1, 5)]
    kinds = {trial.kind.value for each in plans for call in each.calls for trial in call.trials}
    assert {"barge-in", "no pause"} <= kinds
    assert not kinds & {"music", "DTMF tones", "echo of the bot"}


def test_a_peer_that_dies_is_told_and_what_there_is_is_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"

    def dying(contender: Contender, plans: Plans) -> dict[str, Any]:
        if isinstance(contender, Ours):
            return FIGURES
        raise ServerDied("the server did not start; it said: no such model")

    assert run(monkeypatch, dying, "--calls", "1", "--pairs", 1, "--json", path) == 1
    said = capsys.readouterr().out
    assert "no pair was made" in said
    assert "pipecat, pair 1, broken off: the server did not start; it said: no such model" in said
    ours, theirs, both = kept(path)
    assert (ours["cpu_ms"], theirs["failure"], both["pairs"]) == (
        10.0,
        "the server did not start; it said: no such model",
        0,
    )


def test_calls_that_break_off_are_told_beside_the_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(contender: Contender, plans: Plans) -> dict[str, Any]:
        return usual(contender, plans) | {"failures": ["server died in mid-run"], "complaints": ["unknown fields: x"]}

    assert run(monkeypatch, broken, "--calls", "1", "--pairs", 1) == 1
    said = capsys.readouterr().out
    assert "1 pairs" in said
    assert "pipecat, pair 1: server died in mid-run" in said
    assert "a stand-in complained: unknown fields: x" in said


def test_a_run_whose_callers_were_late_is_not_compared(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def late(contender: Contender, plans: Plans) -> dict[str, Any]:
        return FIGURES | {"slip_ms": {"p99": 40.0}}

    assert run(monkeypatch, late, "--calls", "1", "--pairs", 1) == 1
    said = capsys.readouterr().out
    assert "no pair was made" in said
    assert "not compared: the callers themselves were late, p99 40 ms" in said


def test_nothing_heard_is_no_figure(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    deaf = FIGURES | {"answer_ms": None, "clear_ms": None, "silence_ms": None, "cpu_ms": None, "slip_ms": None}
    assert run(monkeypatch, lambda *_: deaf, "--calls", "1", "--pairs", 1) == 0
    said = capsys.readouterr().out
    assert "last sample" not in said
    assert "memory of a call" in said


@pytest.mark.parametrize("calls", ["0", "1,x", "", "-3"])
def test_numbers_that_are_none_are_refused_in_one_line(
    calls: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, usual, f"--calls={calls}") == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "--calls takes numbers of calls such as 1,8" in line


def test_a_file_that_cannot_be_written_is_told_in_one_line_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, usual, "--json", tmp_path / "nowhere" / "kept.jsonl") == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "name another file" in line


def test_more_calls_than_descriptors_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 128))
    assert run(monkeypatch, usual, "--calls", "100") == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "100 calls need 900 file descriptors, 128 are allowed" in line


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_a_peer_that_is_not_installed_is_told_in_one_line_with_what_to_do(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["compare", "--peer", name, "--environment", str(tmp_path / "none")])
    assert compare.main() == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert f"run `python -m native_bench compare --peer {name} --install` once" in line


def test_an_environment_without_the_peer_is_none(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(sys.executable)
    peer = Peer("pipecat", tmp_path)
    if "pipecat-ai" in subprocess.run([sys.executable, "-m", "pip", "list"], capture_output=True, text=True).stdout:
        pytest.skip("Pipecat is in this environment")
    with pytest.raises(ConfigError, match="pipecat is not installed"):
        peer.versions()


def test_install_makes_the_environment_and_runs_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def done(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        commands.append(command)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr("native_bench.peers.contenders.subprocess.run", done)
    monkeypatch.setattr(
        sys, "argv", ["compare", "--peer", "pipecat", "--install", "--environment", str(tmp_path / "new")]
    )
    assert compare.main() == 0
    made, filled = commands
    assert made[1:] == ["-m", "venv", "--clear", str(tmp_path / "new")]
    assert filled[0] == str(tmp_path / "new" / "bin" / "python")
    assert all("==" in each for each in filled[4:])


def test_material_without_speech_is_told_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def none(*_: object) -> material.Material:
        raise ConfigError("no recorded speech for 'report': install asterisk-core-sounds-en-wav, or name --sounds")

    monkeypatch.setattr(material, "load", none)
    assert run(monkeypatch, usual) == 78
    assert len(capsys.readouterr().err.splitlines()) == 1
