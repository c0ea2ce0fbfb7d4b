from __future__ import annotations

from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from mediasrv.records.options import RecordsOptions


def test_records_are_where_systemd_says_unless_the_operator_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    assert RecordsOptions().file is None
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/mediasrv:/var/lib/other")
    assert RecordsOptions().file == Path("/var/lib/mediasrv/mediasrv.db")
    assert RecordsOptions(path="/srv/calls.db").file == Path("/srv/calls.db")
    assert RecordsOptions(path="~/calls.db").file == Path.home() / "calls.db"
    assert RecordsOptions(path="/srv/calls.db", keep=False).file is None


def test_a_retention_of_less_than_no_time_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError, match="retain_calls_days"):
        RecordsOptions(retain_calls_days=-1)
