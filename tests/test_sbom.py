"""The bill of materials holds all that the lock files pin, and everything that is pinned has its hashes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.patience import WAIT_S

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / ".requirements").glob("*.lock"))


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    run = subprocess.run([sys.executable, ROOT / ".ci" / "sbom"], capture_output=True, check=True, timeout=WAIT_S)
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def test_it_has_the_shape_of_cyclonedx(bill: dict[str, Any]) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.5", 1)
    assert bill["metadata"]["component"]["name"] == "mediasrv"
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(refs) == len(set(refs))
    assert bill["dependencies"] == [{"ref": bill["metadata"]["component"]["bom-ref"], "dependsOn": refs}]
    for each in bill["components"]:
        assert set(each) == {"type", "bom-ref", "name", "version", "purl", "hashes", "properties"}
        assert re.fullmatch(r"pkg:pypi/[a-z0-9-]+@[\w.+!]+", each["purl"])
        assert all(
            hashed["alg"] == "SHA-256" and re.fullmatch("[0-9a-f]{64}", hashed["content"]) for hashed in each["hashes"]
        )


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_all_that_is_pinned_is_in_it_with_its_hashes(lock: Path, bill: dict[str, Any]) -> None:
    text = lock.read_text()
    pinned = re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE)
    assert pinned
    parts = {(each["name"], each["version"]): each for each in bill["components"]}
    told = {digest["content"] for name in pinned for digest in parts[name]["hashes"]}
    assert told >= set(re.findall(r"sha256:([0-9a-f]{64})", text))
    for name in pinned:
        assert parts[name]["hashes"]
        assert {"name": "mediasrv:lock", "value": lock.stem} in parts[name]["properties"]


def test_what_it_does_not_understand_is_not_left_out(tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    (tmp_path / ".requirements").mkdir()
    script = tmp_path / ".ci" / "sbom"
    script.write_text((ROOT / ".ci" / "sbom").read_text())
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    (tmp_path / ".requirements" / "x.lock").write_text("-e git+https://example.com/x\n")
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=WAIT_S)
    assert run.returncode != 0
    assert "x.lock: '-e git" in run.stderr
