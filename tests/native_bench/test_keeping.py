"""How a case is run, and what is said when it is broken off."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError, MediasrvError
from native_bench.keeping import conduct


async def case(error: MediasrvError | None = None) -> int:
    if error is not None:
        raise error
    return 3


def test_a_case_tells_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert conduct("soak", case()) == 3
    assert capsys.readouterr().err == ""


def test_what_the_user_must_mend_is_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    assert conduct("soak", case(ConfigError("too few descriptors")), kept) == 78
    assert capsys.readouterr().err == "too few descriptors\n"
    assert not kept.exists()


def test_what_breaks_a_case_off_is_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    assert conduct("soak", case(MediasrvError("the server died")), kept) == 1
    assert capsys.readouterr().err == "broken off: the server died\n"
    (line,) = kept.read_text().splitlines()
    assert (json.loads(line)["case"], json.loads(line)["failure"]) == ("soak", "the server died")
