"""The thread that writes the records.

Whatever is to be written waits in one queue, in order. The thread takes it in batches, one transaction each: what was
only noted within ``COMMIT_EVERY_S``, and at once when somebody waits for it. So a kill takes the last of the notes and
nothing else, and the event loop pays an append.

Trouble (a full disk, a lock, a broken file) fails those who wait, for they can decide what to do; notes stay in the
queue, bounded, and are tried again until there is room. A statement that is at fault itself is dropped, counted and
said once; the others of its batch are written.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediasrv.errors import ConfigError, RecordsError
from mediasrv.records.connection import Schema, connect, is_trouble, migrate, roll_back, trouble_of

log = logging.getLogger(__name__)

COMMIT_EVERY_S = 0.4
"""Longest time that a note waits for its commit."""
RETRY_S = 1.0
"""How often the file is tried in trouble."""
MAX_NOTES = 20_000
"""Notes that wait, at some 500 bytes each; further ones are lost, and counted."""
_BATCH = 500

Values = Sequence[object] | Mapping[str, object]
"""Of a statement: by position (``?``) or by name (``:name``)."""
Work = Callable[[sqlite3.Connection], Any]
"""What runs within a transaction, on the writer's thread."""


@dataclass(slots=True)
class Job:
    """Work that somebody waits for."""

    work: Work
    outcome: Future[Any] = field(default_factory=Future)
    """Done when the work is on the disk, or has failed and left nothing there."""
    is_apart: bool = False
    """Whether it is done behind the transaction, in none."""


_Note = tuple[str, Values]


class Writer:
    """Owner of the thread and of its connection."""

    def __init__(self, path: Path, schemas: Sequence[Schema]) -> None:
        self._path = path
        self._schemas = schemas
        self.queue: deque[_Note | Job] = deque()
        """What is to be written yet."""
        self._wake = threading.Event()
        self._closing = False
        self._connection: sqlite3.Connection | None = None
        self._opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="records writer", daemon=True)
        self._faults: set[str] = set()
        self._is_full = False
        self.trouble = ""
        """Why nothing can be written at the moment; empty when it can."""
        self.lost = 0
        """Notes that were dropped."""

    def start(self) -> Future[None]:
        """Begin; the future fails only with what the operator must mend."""
        self._thread.start()
        return self._opened

    def note(self, statement: str, values: Values) -> None:
        """Have it written soon, without waiting."""
        if len(self.queue) < MAX_NOTES:
            self.queue.append((statement, values))
        else:
            self._lose("too many notes wait")

    def submit(self, job: Job) -> None:
        """Have it written at once, after all that was noted before."""
        self.queue.append(job)
        self._wake.set()

    def close(self, within_s: float) -> None:
        """Write what waits, try no more than once in trouble, and end; blocks."""
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(within_s)

    def _run(self) -> None:
        self._open_first()
        while not self._closing:
            self._wake.wait(RETRY_S if self.trouble else COMMIT_EVERY_S)
            self._wake.clear()
            try:
                self._write_all()
            except Exception:
                # The last door: a batch is lost, and whoever waits for it finds out in time; the thread must go on.
                log.exception("records were not written")
        self._write_all()
        if unwritten := len(self.queue):
            self.lost += unwritten
            log.error("records lost at the end", extra={"lost": unwritten, "trouble": self.trouble})
        self._close_connection()

    def _open_first(self) -> None:
        try:
            self._connection = self._open()
        except (sqlite3.Error, OSError) as error:
            self._begin_trouble(error)
        except BaseException as error:
            self._closing = True
            self._opened.set_exception(error)
            return
        self._opened.set_result(None)

    def _open(self) -> sqlite3.Connection:
        connection = connect(self._path)
        try:
            migrate(connection, self._schemas)
        except BaseException:
            connection.close()
            raise
        return connection

    def _close_connection(self) -> None:
        if self._connection is not None:
            # Closing copies the log into the file, for which there may be no room; the log stays, and is read again.
            with suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _write_all(self) -> None:
        while self.queue:
            batch = [self.queue.popleft() for _ in range(min(len(self.queue), _BATCH))]
            batch = [entry for entry in batch if not isinstance(entry, Job) or _is_wanted(entry)]
            try:
                self._write(batch)
            except (sqlite3.Error, OSError, ConfigError) as error:
                self._put_back(batch, error)
                return
            self._end_trouble()

    def _write(self, batch: list[_Note | Job]) -> None:
        """One transaction; raise for trouble, with nothing written."""
        if self._connection is None:
            self._connection = self._open()
        outcomes: list[tuple[Job, Any]] = []
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for entry in batch:
                if isinstance(entry, Job):
                    work = _nothing if entry.is_apart else entry.work
                    outcomes.append((entry, _outcome(self._connection, work)))
                else:
                    self._write_note(self._connection, *entry)
            self._connection.execute("COMMIT")
        except BaseException:
            roll_back(self._connection)
            raise
        for job, outcome in outcomes:
            if job.is_apart:
                outcome = _attempt(self._connection, job.work)
            if isinstance(outcome, _Failure):
                job.outcome.set_exception(outcome.error)
            else:
                job.outcome.set_result(outcome)

    def _write_note(self, connection: sqlite3.Connection, statement: str, values: Values) -> None:
        try:
            connection.execute(statement, values)
        except (sqlite3.Error, ValueError, OverflowError, TypeError) as error:
            if is_trouble(error):
                raise
            self.lost += 1
            # The error may quote a value, which may be what a caller said.
            if statement not in self._faults:
                self._faults.add(statement)
                log.error("record refused", extra={"statement": statement[:200], "error": type(error).__name__})

    def _put_back(self, batch: list[_Note | Job], error: Exception) -> None:
        for entry in reversed(batch):
            if not isinstance(entry, Job):
                self.queue.appendleft(entry)
        self._begin_trouble(error)
        for entry in batch:
            if isinstance(entry, Job):
                entry.outcome.set_exception(RecordsError(f"the records cannot be written: {self.trouble}"))

    def _begin_trouble(self, error: Exception) -> None:
        if not self.trouble:
            log.error("records cannot be written", extra={"trouble": trouble_of(error)})
        self.trouble = trouble_of(error)
        # A file that was broken may have been put right, or put back, under the same name.
        if getattr(error, "sqlite_errorname", "") not in ("SQLITE_FULL", "SQLITE_BUSY"):
            self._close_connection()

    def _end_trouble(self) -> None:
        self._is_full = False
        if self.trouble:
            log.info("records are written again", extra={"lost": self.lost})
            self.trouble = ""

    def _lose(self, why: str) -> None:
        self.lost += 1
        if not self._is_full:
            self._is_full = True
            log.error("records are lost", extra={"why": why})


@dataclass(frozen=True, slots=True)
class _Failure:
    """What a job's work raised."""

    error: Exception


def _is_wanted(job: Job) -> bool:
    """Whether anybody waits for it still; from here on it cannot be taken back."""
    return job.outcome.set_running_or_notify_cancel()


def _nothing(connection: sqlite3.Connection) -> None:
    """What is done apart leaves the transaction alone."""


def _attempt(connection: sqlite3.Connection, work: Work) -> Any:
    try:
        return work(connection)
    except Exception as error:
        return _Failure(error)


def _outcome(connection: sqlite3.Connection, work: Work) -> Any:
    """What the work returns, or its ``_Failure`` with nothing left of it; raise for trouble."""
    connection.execute("SAVEPOINT job")
    try:
        result = work(connection)
    except Exception as error:
        if is_trouble(error):
            raise
        connection.execute("ROLLBACK TO job")
        result = _Failure(error)
    connection.execute("RELEASE job")
    return result
