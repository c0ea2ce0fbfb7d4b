from __future__ import annotations

from pathlib import Path

import pytest

from mediasrv.errors import ConfigError
from mediasrv.records.keyring import Keyring

NUMBER = "+919812345678"


def test_the_key_is_made_once_for_its_owner_alone_and_stays_the_same(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    first, second = Keyring.beside(records), Keyring.beside(records)
    assert first.hash(NUMBER) == second.hash(NUMBER)
    assert first.hash(NUMBER) != first.hash("+919812345679")
    assert [path.name for path in tmp_path.iterdir()] == ["records.db.key"]
    assert (tmp_path / "records.db.key").stat().st_mode & 0o077 == 0


def test_another_key_gives_another_hash(tmp_path: Path) -> None:
    assert Keyring.beside(tmp_path / "a").hash(NUMBER) != Keyring.beside(tmp_path / "b").hash(NUMBER)


def test_a_key_that_is_broken_or_out_of_reach_is_the_operators_business(tmp_path: Path) -> None:
    (tmp_path / "records.db.key").write_bytes(b"short")
    with pytest.raises(ConfigError, match="32 bytes"):
        Keyring.beside(tmp_path / "records.db")
    with pytest.raises(ConfigError, match="cannot be read"):
        Keyring.beside(tmp_path / "nowhere" / "records.db")
