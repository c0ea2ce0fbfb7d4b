"""Retention: what is past its time goes, a few rows at a time, so that no call's note waits behind it.

It also ends the calls of processes that were killed before they could, and has carriers delete what an erasure left
with them: nobody else will.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from mediasrv.errors import RecordsError
from mediasrv.records import tables
from mediasrv.records.chronicle import SERVER
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database
from mediasrv.records.elsewhere import Elsewhere
from mediasrv.records.options import RecordsOptions
from mediasrv.records.recordingfiles import files_before, remove

log = logging.getLogger(__name__)

EVERY_S = 3600.0
SOON_S = 5.0
"""From a carrier's word of a recording to the look whether it is to be deleted: the word is written down by then."""
MOST_ROWS = 200
"""Rows that go in one transaction."""
PAUSE_S = 0.05
"""Between two such."""
_DAY_S = 86_400
_SET_S = 600.0
"""A clock that has moved by more was set by somebody."""

_RECORDINGS = "SELECT place, maker FROM recordings WHERE began_s < :before LIMIT :most"


class Retention:
    """Sweeps one file."""

    def __init__(
        self,
        database: Database,
        schemas: Sequence[Schema],
        options: RecordsOptions,
        folders: Iterable[Path] = (),
        elsewhere: Elsewhere | None = None,
    ) -> None:
        """``folders`` are where our recordings are; ``elsewhere`` is what carriers were to delete and have not."""
        self._elsewhere = elsewhere
        self._database = database
        self._schemas = schemas
        self._options = options
        self._folders = tuple(folders)
        self._soon = asyncio.Event()
        self._ahead_s = time.time() - time.monotonic()
        """Of a clock that nobody sets."""

    async def run(self) -> None:
        """End what nobody will, and sweep, now and every hour, until cancelled; in trouble, the next time.

        A clock that was set far ahead would have everything deleted: it is believed once it has stood for an hour.
        """
        # Of calls before ours. Asked once: after a clock is set back our own seem to have begun before us.
        began_s: float | None = time.time()
        while True:
            try:
                before_s = -math.inf if began_s is None else began_s
                await self._database.transact(partial(end_lost_calls, began_s=before_s))
                began_s = None
                if self._is_set():
                    log.warning("the clock was set: nothing is swept in this hour")
                elif swept := await self.sweep(time.time()):
                    log.info("records past their time are gone", extra={"rows": swept})
            except (RecordsError, OSError) as error:
                log.warning("records could not be swept: %s", error)
            await self._sweep_elsewhere()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S):
                    await self._sweep_late()

    def _is_set(self) -> bool:
        """Whether somebody has set the clock by much since this was last asked."""
        before_s, self._ahead_s = self._ahead_s, time.time() - time.monotonic()
        return abs(self._ahead_s - before_s) > _SET_S

    def look_soon(self) -> None:
        """A carrier may have to delete something."""
        self._soon.set()

    async def _sweep_late(self) -> None:
        """Have deleted what carriers tell of late, until cancelled."""
        while True:
            await self._soon.wait()
            await asyncio.sleep(SOON_S)
            self._soon.clear()
            await self._sweep_elsewhere()

    async def _sweep_elsewhere(self) -> None:
        try:
            if self._elsewhere is not None and (left := (await self._elsewhere.sweep()).left):
                log.warning("recordings of who was erased are still at the carrier", extra={"count": len(left)})
        except RecordsError as error:
            log.warning("records could not be swept: %s", error)

    async def sweep(self, now_s: float) -> int:
        """Remove all that is past its time; how many rows and files. Raise ``RecordsError`` or ``OSError``."""
        swept = 0
        for kind, days in self._options.retained_days.items():
            if days:
                before_s = now_s - days * _DAY_S
                if kind == "recordings":
                    swept += await self._sweep_recordings(before_s)
                for schema in self._schemas:
                    for statement in schema.expire.get(kind, ()):
                        swept += await self._repeat(statement, before_s)
        if swept:
            await self._database.scrub()
        return swept

    async def _repeat(self, statement: str, before_s: float) -> int:
        swept = 0
        while touched := await self._database.write(statement, {"before": before_s, "most": MOST_ROWS}):
            swept += touched
            await asyncio.sleep(PAUSE_S)
        return swept

    async def _sweep_recordings(self, before_s: float) -> int:
        """Delete files, then the rows that knew of them; then files that no row knows of."""
        swept = 0
        while rows := await self._database.read(_RECORDINGS, {"before": before_s, "most": MOST_ROWS}):
            await asyncio.to_thread(remove, [Path(row["place"]) for row in rows if row["maker"] == SERVER])
            for row in rows:
                swept += await self._database.write("DELETE FROM recordings WHERE place = ?", (row["place"],))
            await asyncio.sleep(PAUSE_S)
        for folder in self._folders:
            swept += await asyncio.to_thread(_remove_before, folder, before_s)
        return swept


def end_lost_calls(connection: sqlite3.Connection, began_s: float) -> None:
    """End the calls of processes that are gone, and those from before ``began_s`` of one that had our number."""
    for (process,) in connection.execute(tables.LIVE_ON).fetchall():
        if process == os.getpid():
            connection.execute(tables.ABANDON, {"process": process, "before": began_s})
        elif not _is_alive(process):
            connection.execute(tables.ABANDON, {"process": process, "before": math.inf})


def _is_alive(process: int) -> bool:
    """Whether there is a process of this number; whether it is a server of ours nobody can tell."""
    try:
        os.kill(process, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True


def _remove_before(folder: Path, before_s: float) -> int:
    return remove(files_before(folder, before_s))
