"""One SQLite file for all that is remembered of calls, as the event loop sees it.

Three ways lead to it, none of which blocks the loop:

- ``note``: a plain call that costs an append. The writer's thread commits notes within half a second; a kill loses no
  more than these. In trouble they wait, up to a bound, and calls go on.
- ``write`` and ``transact``: what must be on the disk before anything else may happen. They return when it is, or raise
  ``RecordsError`` and have left nothing there.
- ``read``: rows, by a thread and connection of its own, so that a long question holds up no writing.

They keep their order: a ``write`` comes after the notes before it. A ``read`` sees every ``write`` that has returned.

A store is a ``Schema`` and a class with a ``Database``:

    FRUITS = Schema("fruits", steps=(("CREATE TABLE fruits (name TEXT PRIMARY KEY)",),))
    database = Database(path, (FRUITS,))
    await database.start()
    database.note("INSERT INTO fruits VALUES (?)", ("apple",))
    is_new = await database.write("INSERT OR IGNORE INTO fruits VALUES (?)", ("pear",)) == 1
    rows = await database.read("SELECT name FROM fruits WHERE name > ?", ("b",))
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

from mediasrv.errors import ConfigError, RecordsError
from mediasrv.records.connection import Schema, connect, is_trouble, trouble_of
from mediasrv.records.writer import Job, Values, Writer

WRITE_WITHIN_S = 10.0
"""Longest wait for a ``write``."""
READ_WITHIN_S = 10.0
"""Longest wait for a ``read``; its question is then interrupted."""
MAX_ROWS = 10_000
"""Rows that one ``read`` may give; ask for the next page instead."""

T = TypeVar("T")


class Database:
    """The file."""

    def __init__(self, path: Path, schemas: Sequence[Schema]) -> None:
        self.path = path
        self._writer = Writer(path, schemas)
        self._readers = ThreadPoolExecutor(max_workers=1, thread_name_prefix="records reader")
        self._reading: sqlite3.Connection | None = None

    @property
    def trouble(self) -> str:
        """Why nothing can be written at the moment; empty when it can."""
        return self._writer.trouble

    @property
    def lost(self) -> int:
        """Notes that were dropped since the start."""
        return self._writer.lost

    @property
    def waiting(self) -> int:
        """What is to be written yet."""
        return len(self._writer.queue)

    async def start(self) -> None:
        """Open the file, and bring it up to date; raise ``ConfigError`` for what the operator must mend.

        A disk that is full or a file that is locked or broken is ``trouble``: this returns, and it is tried again.
        """
        if not self.path.parent.is_dir():
            raise ConfigError(f"there is no folder {self.path.parent} for the records: make it, or set records.path")
        await asyncio.wrap_future(self._writer.start())

    async def aclose(self) -> None:
        """Write what waits, and close; safe to call twice."""
        await asyncio.to_thread(self._writer.close, WRITE_WITHIN_S)
        self._interrupt()
        await asyncio.to_thread(self._readers.shutdown, cancel_futures=True)
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def note(self, statement: str, values: Values = ()) -> None:
        """Have a statement written soon; never blocks, never raises. One that is refused is counted in ``lost``."""
        self._writer.note(statement, values)

    async def write(self, statement: str, values: Values = ()) -> int:
        """Write a statement and return how many rows it touched, once that is on the disk.

        Raises ``RecordsError`` when it is not: in trouble, for a row that the schema refuses, or after
        ``WRITE_WITHIN_S``. After a cancellation it may be on the disk all the same.
        """
        return await self.transact(lambda connection: connection.execute(statement, values).rowcount)

    async def transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Like ``write``, for several statements: all of them or, when the work raises, none.

        ``work`` runs on the writer's thread within a transaction, which it neither commits nor rolls back; what it
        returns comes back, and so does what it raises (SQLite's own errors as ``RecordsError``).
        """
        result: T = await self._done(Job(work))
        return result

    async def scrub(self) -> bool:
        """Empty the log, where what was deleted may still be found; ``False`` when somebody is reading from it.

        Raises like ``write``.
        """
        job = Job(lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0], is_apart=True)
        return bool(await self._done(job) == 0)

    async def _done(self, job: Job) -> Any:
        self._writer.submit(job)
        try:
            async with asyncio.timeout(WRITE_WITHIN_S):
                return await asyncio.wrap_future(job.outcome)
        except TimeoutError:
            raise RecordsError("the records could not be written in time") from None
        except sqlite3.Error as error:
            raise RecordsError(f"the records refuse this: {error}") from error

    async def flush(self) -> None:
        """Return when all that was noted is on the disk; raises like ``write``."""
        await self.transact(lambda connection: None)

    async def read(self, query: str, values: Values = ()) -> list[sqlite3.Row]:
        """The rows of a query, at most ``MAX_ROWS``; raise ``RecordsError`` in trouble or after ``READ_WITHIN_S``.

        A row gives its columns by name and by position. Notes of the last half second may be missing: ``flush`` first
        where that matters. Cancelling leaves the question to end by itself.
        """
        try:
            async with asyncio.timeout(READ_WITHIN_S):
                return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, query, values)
        except TimeoutError:
            self._interrupt()
            raise RecordsError("the records could not be read in time") from None
        except (sqlite3.Error, OSError) as error:
            raise RecordsError(f"the records cannot be read: {trouble_of(error)}") from error

    def _read(self, query: str, values: Values) -> list[sqlite3.Row]:
        if self._reading is None:
            self._reading = connect(self.path)
            self._reading.execute("PRAGMA query_only = ON")
        try:
            with closing(self._reading.execute(query, values)) as cursor:
                return cursor.fetchmany(MAX_ROWS)
        except sqlite3.Error as error:
            if is_trouble(error):
                # The file may have been put right, or put back, under the same name.
                self._reading.close()
                self._reading = None
            raise

    def _interrupt(self) -> None:
        if self._reading is not None:
            self._reading.interrupt()
