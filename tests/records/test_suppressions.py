from __future__ import annotations

from pathlib import Path

import pytest

from mediasrv.errors import RecordsError
from mediasrv.records.database import Database
from mediasrv.records.keyring import Keyring
from mediasrv.records.suppressions import SUPPRESSIONS, Suppressions

NUMBER = "+919812345678"
KEYRING = Keyring(b"k" * 32)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(tmp_path / "records.db", (SUPPRESSIONS,))


async def test_a_number_is_suppressed_from_the_moment_that_it_was_added_until_it_is_removed(database: Database) -> None:
    await database.start()
    suppressions = Suppressions(database, KEYRING)
    assert not await suppressions.holds(NUMBER)
    assert await suppressions.add(NUMBER, "speech", "call-1")
    assert not await suppressions.add(NUMBER, "dtmf", "call-2")
    assert await suppressions.holds(NUMBER)
    assert not await suppressions.holds("+919812345679")
    assert await suppressions.remove(NUMBER)
    assert not await suppressions.holds(NUMBER)
    assert not await suppressions.remove(NUMBER)
    await database.aclose()


async def test_who_is_erased_stays_suppressed_without_his_number(database: Database, tmp_path: Path) -> None:
    await database.start()
    suppressions = Suppressions(database, KEYRING)
    await suppressions.add(NUMBER, "speech", "call-1")
    for statement in SUPPRESSIONS.erase:
        await database.write(statement, {"number": NUMBER, "digits": NUMBER[1:], "hash": KEYRING.hash(NUMBER)})
    assert await suppressions.holds(NUMBER)
    assert [tuple(row)[:3] for row in await database.read("SELECT * FROM suppressions")] == [
        (KEYRING.hash(NUMBER), "speech", "")
    ]
    assert await suppressions.remove(NUMBER)
    await database.aclose()


async def test_a_list_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "records.db").mkdir()
    database = Database(tmp_path / "records.db", (SUPPRESSIONS,))
    await database.start()
    with pytest.raises(RecordsError):
        await Suppressions(database, KEYRING).holds(NUMBER)
    with pytest.raises(RecordsError):
        await Suppressions(database, KEYRING).add(NUMBER, "speech")
    await database.aclose()
