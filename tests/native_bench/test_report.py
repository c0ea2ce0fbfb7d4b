"""One page that opens offline, whatever lines it is made of, and in which nothing that was measured is markup."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import orjson
import pytest

from native_bench import report

EVIL = "<script>alert('$x$')</script>&\"'"
SPREAD = {"count": 9, "p50": 1.0, "p90": 2.0, "p99": 3.0, "most": None}
STEP = {
    "calls": 10, "cpu_ms": 2.5, "starved_percent": 1.0, "memory_mb": 150.0, "call_kb": 90.0, "answers": SPREAD,
    "silence": SPREAD, "stalls": None, "slip": SPREAD, "answer_quantiles": [1.0, 2.0, None],
}  # fmt: skip
PROFILE = {"calls": 10, "cpu_ms": 2.5, "parts_ms": {"VAD": 1.5, EVIL: 1.0}, "functions_ms": [[EVIL, 0.5]]}
LOOK = {"at": 0.0, "memory_kb": 1.0, "tasks": 2, "descriptors": 3, "blocks": 4, "garbage": 0}
ROWS: list[dict[str, Any]] = [
    {"case": "capacity", "machine": EVIL, "step": STEP, "breaches": [EVIL], "bottleneck": ""},
    {"case": "capacity", "machine": EVIL, "step": {**STEP, "calls": 20}, "breaches": [], "bottleneck": EVIL},
    {"case": "capacity", "machine": EVIL, "profile": PROFILE},
    {"case": "capacity", "machine": EVIL, "capacity": 10, "broken": 20, "versions": {"numpy": EVIL}},
    {"case": "capacity", "machine": "another", "failure": EVIL},
    {"case": "soak", "title": EVIL, "looks": [LOOK, {**LOOK, "at": 1.0}], "grown": [EVIL], "failures": []},
    {"case": "coldstart", "empty_ms": SPREAD, "full_ms": None, "greeting_ms": SPREAD},
    {"case": "check", "figures": {"legs": 2.0, EVIL: 3.0}, "budgets": {"legs": 2.0}},
    {"case": "turn", "simultaneous": 9, "turns": {EVIL: {"count": 3, "latency_ms": SPREAD, "cut_ins": 1, "missed": 0}}},
    {"case": "compare", "peer": EVIL, "contender": "mediasrv", "calls": 4, "seed": 1, "cpu_ms": 2.0},
    {"case": "compare", "peer": EVIL, "contender": EVIL, "calls": 4, "seed": 1, "cpu_ms": 50.0},
    {"case": EVIL, "anything": EVIL},
]  # fmt: skip


class Reader(HTMLParser):
    """Notes what a browser would run or fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href")]


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    return reader


def test_the_page_runs_nothing_and_fetches_nothing() -> None:
    reader = read(report.page(ROWS))
    assert "script" not in reader.tags
    assert [each for each in reader.fetched if not each.startswith("#")] == []
    assert reader.tags.count("svg") == 15


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"][:9])
def test_each_line_alone_makes_a_page(row: dict[str, Any]) -> None:
    assert "script" not in read(report.page([row])).tags


@pytest.mark.parametrize("row", [*ROWS[:3], *ROWS[5:9], ROWS[10]], ids=lambda row: row["case"])
def test_a_line_of_another_shape_is_shown_as_it_is(row: dict[str, Any]) -> None:
    spoilt = {name: value if name in ("case", "machine") else 7 for name, value in row.items()}
    assert "<details>" in report.page([spoilt])


def test_broken_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_bytes(orjson.dumps(ROWS[6]) + b'\n\n{"case": "cold\n[1]\n{"case": 3}\n')
    rows, broken = report.read([path])
    assert (len(rows), broken) == (1, 3)
    assert "3 lines could not be read" in report.page(rows, broken)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["report", *map(str, arguments)])
    return report.main()


def test_an_unwritable_folder_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_bytes(orjson.dumps(ROWS[6]))
    assert run(monkeypatch, path, "--out", tmp_path / "nowhere" / "report.html") == 78
    (line,) = capsys.readouterr().err.splitlines()
    assert "name another with --out" in line


@pytest.mark.parametrize("content", [None, b"", b"no JSON"])
def test_nothing_to_report_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes | None
) -> None:
    path = tmp_path / "kept.jsonl"
    if content is not None:
        path.write_bytes(content)
    assert run(monkeypatch, path, "--out", tmp_path / "report.html") == 78
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_the_page_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept.jsonl"
    path.write_bytes(orjson.dumps(ROWS[6]))
    assert run(monkeypatch, path, "--out", tmp_path / "report.html") == 0
    assert "greeting on the wire" in (tmp_path / "report.html").read_text()


def test_a_comparison_tells_its_ratios() -> None:
    rows = [{**row, "peer": "other", "contender": row["contender"].replace(EVIL, "other")} for row in ROWS[9:11]]
    text = report.page(rows)
    assert "other, 4 calls at a time" in text
    assert "<td>2.00 ms</td><td>50.00 ms</td><td>25.00</td><td>25.00-25.00</td><td>1</td>" in text
