"""The dashboard and the alert rules in ``systemd/monitoring``: they ask for figures that there are."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mediasrv.server.metrics import Metrics
from tests.patience import WAIT_S

FOLDER = Path(__file__).parent.parent / "systemd" / "monitoring"
DASHBOARD, ALERTS = FOLDER / "dashboard.json", FOLDER / "alerts.yml"
TRIALS = Path(__file__).parent / "monitoring" / "alerts.yml"
FIGURE = re.compile(r"\b(?:mediasrv|process)_[a-z_]+")


def panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    return found


def expressions() -> Iterator[str]:
    for panel in panels():
        for target in panel["targets"]:
            yield target["expr"]
    yield from re.findall(r"^ +expr: (?:>-\n)?((?:.|\n +(?!for:|labels:))+)", ALERTS.read_text(encoding="utf-8"), re.M)


def told() -> set[str]:
    """Every figure of a server, histograms by their parts."""
    lines = Metrics().render().decode().splitlines()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", "\n".join(lines), re.M))
    parts = {f"{name}{part}" for name, kind in kinds.items() if kind == "histogram" for part in PARTS}
    return set(kinds) | parts


UNSHOWN = {
    f"mediasrv_{name}_total"
    for name in (
        "callbacks",
        "left_out",
        "prepared_reply_tokens",
        "prompt_tokens",
        "remote_protocol_errors",
        "unknown_events",
    )
}
"""Figures for those who look closer."""
PARTS = ("_bucket", "_sum", "_count")


def test_every_figure_that_is_asked_for_is_told() -> None:
    asked = {name for expression in expressions() for name in FIGURE.findall(expression)}
    assert len(asked) > 15
    assert asked - told() == set()


def test_every_panel_has_a_place_a_title_and_a_unit() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels()]
    assert len(set(places)) == len(places)
    assert all(panel["title"] and panel["fieldConfig"]["defaults"]["unit"] for panel in panels())
    assert len({panel["id"] for panel in panels()}) == len(panels())


def promtool(*arguments: str) -> str:
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    done = subprocess.run([tool, *arguments], capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_rules() -> None:
    rules = ALERTS.read_text(encoding="utf-8").count("- alert:")
    assert f"{rules} rules found" in promtool("check", "rules", str(ALERTS))


def test_a_sick_server_gives_its_alert_and_a_healthy_one_none(tmp_path: Path) -> None:
    shutil.copy(ALERTS, tmp_path / ALERTS.name)
    trials = shutil.copy(TRIALS, tmp_path / "trials.yml")
    assert "SUCCESS" in promtool("test", "rules", str(trials))


def test_every_alert_is_tried() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert re.findall(r"- name: (Mediasrv\w+)", TRIALS.read_text(encoding="utf-8")) == alerts


def test_every_figure_is_shown_or_watched() -> None:
    asked = {name for expression in expressions() for name in FIGURE.findall(expression)}
    ours = {name for name in told() if name.startswith("mediasrv_") and not name.endswith((*PARTS, "_created"))}
    shown = {name.removesuffix("_total") for name in asked} | {
        re.sub("_(bucket|sum|count)$", "", name) for name in asked
    }
    assert {name for name in ours if name.removesuffix("_total") not in shown} == UNSHOWN
