"""A capture becomes a test."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from mediasrv.replay.codec import CaptureError
from mediasrv.replay.file import parsed
from mediasrv.replay.fixture import MAGIC, is_fixture, read_fixture, replay_fixture, write_test
from tests.call.stage import Stage, agent_options
from tests.patience import WAIT_S
from tests.replay.stage import captured


async def _listen(stage: Stage) -> None:
    await stage.be_quiet(2.0)
    stage.hang_up()


def test_the_test_that_is_written_runs_the_call_again(tmp_path: Path) -> None:
    _, kept = captured(_listen, agent_options(greeting="Hello there."))
    test, fixture = write_test(tmp_path / "test_a short-call.py", *parsed(kept.text))
    assert replay_fixture(fixture).difference is None
    assert "def test_a_short_call_goes_as_it_went" in test.read_text()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(test)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stdout


def test_a_fixture_is_known_by_its_beginning() -> None:
    file = io.BytesIO(MAGIC + b"rest")
    assert is_fixture(file)
    assert file.tell() == 0
    assert not is_fixture(io.BytesIO(b"mediasrv sealed 1\n"))


@pytest.mark.parametrize(("data", "message"), [(b"", "no capture"), (MAGIC + b"rest", "was changed, or breaks off")])
def test_a_fixture_that_is_none_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        read_fixture(io.BytesIO(data))
