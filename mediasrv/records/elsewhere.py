"""Recordings that carriers keep of somebody who is erased: deleted there too, and not forgotten until they are.

What is to be deleted is written down with the erasure itself, so that it is known whatever happens then. What a carrier
does not delete at once is asked for again by the server, every hour, and by each further erasure. Of a recording that
is ready only then, the carrier tells afterwards: so calls that were erased are known by a keyed hash for a while.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from mediasrv.errors import CarrierError
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database
from mediasrv.records.keyring import Keyring

ELSEWHERE = Schema(
    "elsewhere",
    steps=(
        (
            """CREATE TABLE elsewhere (
                place TEXT PRIMARY KEY, -- the recording's address at the carrier
                carrier TEXT NOT NULL,
                name TEXT NOT NULL, -- the carrier's, for the recording
                since_s REAL NOT NULL
            ) WITHOUT ROWID""",
        ),
        (
            """CREATE TABLE erased_calls (
                hash TEXT PRIMARY KEY, -- of the call's name
                carrier TEXT NOT NULL,
                at_s REAL NOT NULL
            ) WITHOUT ROWID""",
        ),
    ),
)
LATE_S = 30 * 86_400.0
"""How long after an erasure a carrier may tell of a recording."""
_KEEP = "INSERT OR IGNORE INTO elsewhere VALUES (:place, :carrier, :name, :now)"
_KEPT = "SELECT place, carrier, name FROM elsewhere ORDER BY since_s"
_FORGET = "DELETE FROM elsewhere WHERE place = ?"
_ERASE = "INSERT OR REPLACE INTO erased_calls VALUES (?, ?, ?)"
_FORGET_ERASED = "DELETE FROM erased_calls WHERE at_s < ?"
# A call that has come back since is known again, and its recordings with it.
_KEEP_LATE = """INSERT OR IGNORE INTO elsewhere SELECT :place, carrier, :name, :now FROM erased_calls
    WHERE hash = :hash AND NOT EXISTS (SELECT 1 FROM calls WHERE id = :call_id)"""


class Keeper(Protocol):
    """A carrier that keeps recordings."""

    async def delete_recording(self, recording_id: str, /) -> None:
        """Delete one; one that is gone already is no error. Raise ``CarrierError``."""


@dataclass(frozen=True, slots=True)
class Swept:
    """What became of the recordings that were to be deleted, by their addresses."""

    deleted: frozenset[str] = frozenset()
    left: Mapping[str, str] = field(default_factory=dict)
    """Why each of these is still there; it is asked for again."""


class Elsewhere:
    """What is to be deleted; ``keepers`` are the carriers whose accounts are known, and are set by whoever knows."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring
        self.keepers: Mapping[str, Keeper] = {}

    @staticmethod
    def keep(connection: sqlite3.Connection, place: str, carrier: str, name: str) -> None:
        """Keep in mind, within a transaction, what is to be deleted."""
        connection.execute(_KEEP, {"place": place, "carrier": carrier, "name": name, "now": time.time()})

    def erase(self, connection: sqlite3.Connection, call_id: str, carrier: str) -> None:
        """Keep in mind likewise that what a carrier tells of this call is to be deleted."""
        connection.execute(_ERASE, (self._keyring.hash(call_id), carrier, time.time()))

    def note_late(self, call_id: str, place: str, name: str) -> None:
        """A carrier has a recording ready: if it is of a call that was erased, it is to be deleted."""
        if name:
            row = {"place": place, "name": name, "now": time.time(), "hash": self._keyring.hash(call_id)}
            self._database.note(_KEEP_LATE, {**row, "call_id": call_id})

    async def sweep(self) -> Swept:
        """Have all of it deleted, as far as carriers do so; raise ``RecordsError``."""
        await self._database.write(_FORGET_ERASED, (time.time() - LATE_S,))
        deleted, left = set(), {}
        for row in await self._database.read(_KEPT):
            keeper = self.keepers.get(row["carrier"])
            try:
                if keeper is None:
                    raise CarrierError("account is not configured", carrier=row["carrier"])
                await keeper.delete_recording(row["name"])
            except CarrierError as error:
                left[row["place"]] = str(error)
                continue
            await self._database.write(_FORGET, (row["place"],))
            deleted.add(row["place"])
        return Swept(frozenset(deleted), left)
