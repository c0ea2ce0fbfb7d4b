"""Erasure: leaves nothing of a person's, in all tables, in all files of recordings and at carriers, but a tombstone.

Files go first, then all rows in one transaction, then what the log of the file still holds, and what carriers hold.
Broken off, it is done whole by doing it again. The tombstone proves that it was done: a keyed hash, when, and how much
there was.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from mediasrv.errors import RecordsError
from mediasrv.records.chronicle import SERVER
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database
from mediasrv.records.elsewhere import Elsewhere, Swept
from mediasrv.records.keyring import Keyring
from mediasrv.records.recordingfiles import files_of, remove
from mediasrv.records.tables import CALLS_OF_NUMBER

TOMBSTONES = Schema(
    "tombstones",
    steps=(("CREATE TABLE tombstones (hash TEXT NOT NULL, erased_s REAL NOT NULL, counts TEXT NOT NULL)",),),
)
SCRUBS = 5
"""How often the log is tried to be emptied while others read from it."""
SCRUB_EVERY_S = 0.5

_CALLS = f"SELECT id, ended_s, carrier FROM calls WHERE id IN {CALLS_OF_NUMBER}"
_RECORDINGS = f"""SELECT place, maker, name, carrier FROM recordings JOIN calls ON calls.id = call_id
    WHERE call_id IN {CALLS_OF_NUMBER}"""


@dataclass(frozen=True, slots=True)
class Erased:
    """What there was of somebody."""

    counts: Mapping[str, int]
    """Rows by store, and files of ``recordings``."""
    live_calls: int
    """Calls that are not over: erase again when they are."""
    deleted_elsewhere: int
    """Recordings that carriers have deleted."""
    places_later: Mapping[str, str]
    """Why carriers have not deleted these; they are asked again by and by."""
    places_elsewhere: Sequence[str]
    """Recordings at carriers which are not known by a name, so nobody but their owner can delete them."""
    is_scrubbed: bool
    """Whether the log was emptied; somebody who read for long may have held it, and it is when it is next full."""


class Eraser:
    """Erases; in a process of its own while the server runs, too."""

    def __init__(
        self,
        database: Database,
        schemas: Sequence[Schema],
        keyring: Keyring,
        elsewhere: Elsewhere,
        folders: Sequence[Path] = (),
    ) -> None:
        """``folders`` are where our recordings are."""
        self._database = database
        self._elsewhere = elsewhere
        self._schemas = schemas
        self._keyring = keyring
        self._folders = folders

    async def erase(self, number: str) -> Erased:
        """Erase a number, in E.164; raise ``RecordsError``. Cancelled, it is to be done again."""
        values = {"number": number, "digits": number.removeprefix("+"), "hash": self._keyring.hash(number)}
        rows = await self._database.read(
            f"SELECT id, ended_s, carrier FROM calls WHERE id IN {CALLS_OF_NUMBER}", values
        )
        recordings = await self._database.read(_RECORDINGS, values)
        ours = {Path(row["place"]) for row in recordings if row["maker"] == SERVER}
        files = await self._remove(ours, {row["id"] for row in rows})
        theirs = [row for row in recordings if row["maker"] != SERVER]

        def delete(connection: sqlite3.Connection) -> dict[str, int]:
            for row in rows:
                self._elsewhere.erase(connection, row["id"], row["carrier"])
            for row in theirs:
                if row["name"]:
                    self._elsewhere.keep(connection, row["place"], row["carrier"], row["name"])
            return self._delete(connection, values, files)

        counts = await self._database.transact(delete)
        is_scrubbed = await self._scrub()
        swept = await self._elsewhere.sweep() if theirs else Swept()
        places = {row["place"] for row in theirs}
        return Erased(
            counts=counts,
            live_calls=sum(row["ended_s"] is None for row in rows),
            deleted_elsewhere=len(places & swept.deleted),
            places_later={place: why for place, why in swept.left.items() if place in places},
            places_elsewhere=[row["place"] for row in theirs if not row["name"]],
            is_scrubbed=is_scrubbed,
        )

    async def _remove(self, known: set[Path], call_ids: set[str]) -> int:
        """Delete the files that rows know of, and those that say themselves whose they are."""

        def remove_all() -> int:
            found = {path for folder in self._folders for path in files_of(folder, call_ids)} if call_ids else set()
            return remove(known | found)

        try:
            return await asyncio.to_thread(remove_all)
        except OSError as error:
            raise RecordsError(f"a recording cannot be deleted: {error.strerror}") from error

    def _delete(self, connection: sqlite3.Connection, values: Mapping[str, str], files: int) -> dict[str, int]:
        counts = {"recordings": files}
        for schema in self._schemas:
            if schema.erase:
                counts[schema.name] = sum(connection.execute(each, values).rowcount for each in schema.erase)
        tombstone = (values["hash"], time.time(), orjson.dumps(counts).decode())
        connection.execute("INSERT INTO tombstones VALUES (?, ?, ?)", tombstone)
        return counts

    async def _scrub(self) -> bool:
        for _ in range(SCRUBS):
            if await self._database.scrub():
                return True
            await asyncio.sleep(SCRUB_EVERY_S)
        return False
