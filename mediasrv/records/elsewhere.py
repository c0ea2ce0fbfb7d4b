"""Recordings that carriers keep of somebody who is erased: deleted there too, and not forgotten until they are.

What is to be deleted is written down with the erasure itself, so that it is known whatever happens then. What a carrier
does not delete at once is asked for again by the server, every hour, and by each further erasure.
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
    ),
)
_KEEP = "INSERT OR IGNORE INTO elsewhere VALUES (:place, :carrier, :name, :now)"
_KEPT = "SELECT place, carrier, name FROM elsewhere ORDER BY since_s"
_FORGET = "DELETE FROM elsewhere WHERE place = ?"


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

    def __init__(self, database: Database) -> None:
        self._database = database
        self.keepers: Mapping[str, Keeper] = {}

    @staticmethod
    def keep(connection: sqlite3.Connection, place: str, carrier: str, name: str) -> None:
        """Keep in mind, within a transaction, what is to be deleted."""
        connection.execute(_KEEP, {"place": place, "carrier": carrier, "name": name, "now": time.time()})

    async def sweep(self) -> Swept:
        """Have all of it deleted, as far as carriers do so; raise ``RecordsError``."""
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
