"""Who has asked not to be called again.

Somebody who is erased stays suppressed: his number goes, the keyed hash of it stays and is compared instead.
"""

from __future__ import annotations

import time

from mediasrv.records.connection import Schema
from mediasrv.records.database import Database
from mediasrv.records.keyring import Keyring

SUPPRESSIONS = Schema(
    "suppressions",
    steps=(
        (
            """CREATE TABLE suppressions (
                number TEXT PRIMARY KEY, -- or the keyed hash of one that was erased
                source TEXT NOT NULL,
                call_id TEXT NOT NULL,
                at_s REAL NOT NULL
            ) WITHOUT ROWID""",
        ),
    ),
    erase=("UPDATE OR REPLACE suppressions SET number = :hash, call_id = '' WHERE number = :number",),
)


class Suppressions:
    """The list. All methods raise ``RecordsError``; then nobody knows whether a number is on it."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def add(self, number: str, source: str, call_id: str = "") -> bool:
        """Never call this number, in E.164, again; whether it is new here. On the disk when this returns.

        ``source`` says how he asked: ``speech``, ``dtmf``, ``operator``, …
        """
        statement = "INSERT OR IGNORE INTO suppressions VALUES (?, ?, ?, ?)"
        return await self._database.write(statement, (number, source, call_id, time.time())) == 1

    async def holds(self, number: str) -> bool:
        """Whether this number must not be called."""
        query = "SELECT 1 FROM suppressions WHERE number IN (?, ?)"
        return bool(await self._database.read(query, (number, self._keyring.hash(number))))

    async def remove(self, number: str) -> bool:
        """He wants to be called again; whether he was on the list."""
        statement = "DELETE FROM suppressions WHERE number IN (?, ?)"
        return await self._database.write(statement, (number, self._keyring.hash(number))) > 0
