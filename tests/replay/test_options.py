"""What an operator may say about captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from mediasrv.replay.options import CaptureOptions


def test_captures_lie_where_the_state_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/mediasrv:/elsewhere")
    assert CaptureOptions().path == Path("/var/lib/mediasrv/captures")
    assert CaptureOptions(folder="/there").path == Path("/there")
    monkeypatch.delenv("STATE_DIRECTORY")
    assert CaptureOptions().path == Path("captures")


def test_nothing_is_captured_unless_somebody_says_so() -> None:
    assert not CaptureOptions().on


def test_a_capture_lives_for_no_less_than_nothing() -> None:
    with pytest.raises(ConfigError, match="retain_days"):
        CaptureOptions(retain_days=-1)


def test_the_key_is_not_shown() -> None:
    assert "secret" not in repr(CaptureOptions(key="secret"))
