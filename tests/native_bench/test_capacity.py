"""The search as a whole, with steps that are made up: what it says, what it keeps, and how it breaks off."""

from __future__ import annotations

import resource
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from mediasrv.errors import ConfigError
from native_bench import capacity, keeping, soak
from native_bench.load.tape import Tape
from native_bench.load.verdict import Step, spread
from native_bench.processes import ServerDied
from tests.native_bench.test_load_verdict import GOOD

Made = Callable[[int], Step]


def run(monkeypatch: pytest.MonkeyPatch, made: Made, *arguments: object) -> int:
    """Search, with made-up steps."""

    @asynccontextmanager
    async def started(*_: object) -> AsyncIterator[None]:
        yield

    async def measure(world: None, tape: Tape, calls: int, *_: object) -> Step:
        return replace(made(calls), calls=calls)

    monkeypatch.setattr(capacity, "started", started)
    monkeypatch.setattr(capacity, "measure", measure)
    monkeypatch.setattr(sys, "argv", ["capacity", "--profile", "0", *map(str, arguments)])
    return capacity.main()


def kept(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def breaking_above(limit: int) -> Made:
    return lambda calls: GOOD if calls <= limit else replace(GOOD, silence=spread([60.0]))


def test_the_number_is_found_printed_and_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"
    assert run(monkeypatch, breaking_above(40), "--first", 10, "--json", path) == 0
    assert "capacity: 40 calls on one core, 42 break" in capsys.readouterr().out
    rows = kept(path)
    assert (rows[-1]["capacity"], rows[-1]["broken"]) == (40, 42)
    assert rows[0]["step"]["calls"] == 1
    assert {"machine", "governor", "versions", "time"} <= rows[0].keys()


def test_late_callers_are_told_and_no_number_is_reported(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"

    def late(calls: int) -> Step:
        return GOOD if calls < 20 else replace(GOOD, slip=spread([40.0]), silence=spread([60.0]))

    assert run(monkeypatch, late, "--first", 10, "--json", path) == 1
    said = capsys.readouterr().out
    assert "not reported beyond 10 calls: the callers themselves were late" in said
    assert "capacity: " not in said
    assert "silence inside" not in said
    assert "late" in kept(path)[-1]["bottleneck"]


def test_a_server_that_dies_leaves_what_was_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"

    def dying(calls: int) -> Step:
        if calls > 10:
            raise ServerDied("the server died (-9); it said: nothing")
        return GOOD

    assert run(monkeypatch, dying, "--first", 10, "--json", path) == 1
    assert "broken off: the server died (-9)" in capsys.readouterr().err
    rows = kept(path)
    assert [row["step"]["calls"] for row in rows[:-1]] == [1, 10]
    assert "died" in rows[-1]["failure"]


def test_steps_that_were_asked_for_are_run_and_no_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    assert run(monkeypatch, breaking_above(40), "--steps", "30,50", "--json", path) == 1
    assert [row["step"]["calls"] for row in kept(path)] == [1, 30, 50]


@pytest.mark.parametrize("case", [capacity, soak])
def test_a_file_that_cannot_be_written_is_told_in_one_line_before_anything_runs(
    case: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["case", "--json", str(tmp_path / "nowhere" / "kept.jsonl")])
    assert case.main() == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "name another file" in line


@pytest.mark.parametrize(
    ("soft", "hard", "wanted"),
    [(1000, 1000, None), (200, 1000, 700), (200, -1, 700), (-1, -1, None)],
)
def test_the_limit_of_descriptors_is_raised_where_it_may_be(
    soft: int, hard: int, wanted: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: asked.append(limits[0]))
    keeping.require_descriptors(100, 6, spare=100)
    assert asked == ([wanted] if wanted else [])


def test_more_calls_than_descriptors_are_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (64, 128))
    with pytest.raises(ConfigError, match="700 file descriptors, 128 are allowed: raise `ulimit -Hn`"):
        keeping.require_descriptors(100, 6, spare=100)
    assert run(monkeypatch, breaking_above(40), "--most", 1000) == 78
    assert len(capsys.readouterr().err.splitlines()) == 1


async def test_a_soak_whose_server_dies_keeps_what_was_seen(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    looks = [soak.Look(at / 60, 1000.0, 2, 3, 4, 0) for at in range(9)]

    async def dies() -> list[str]:
        raise ServerDied("the server died")

    assert await soak._tell(path, "short calls", dies(), looks, soak.SHORT, 1) == 1
    (row,) = kept(path)
    assert (len(row["looks"]), row["failure"], row["grown"]) == (9, "the server died", [])
