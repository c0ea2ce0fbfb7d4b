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


def test_prometheus_takes_the_rules() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("needs promtool: apt-get install prometheus")
    checked = subprocess.run(
        [promtool, "check", "rules", str(ALERTS)], capture_output=True, text=True, timeout=WAIT_S, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert f"{ALERTS.read_text(encoding='utf-8').count('- alert:')} rules found" in checked.stdout
