"""A connection to the records' file, and the shape of what stands in it.

Each store brings a ``Schema``: steps, of which a file remembers how many it has taken, so that a newer program takes
those that are missing. Steps are only ever appended; one that has been released is never changed.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mediasrv.errors import ConfigError

BUSY_MS = 2000
"""Longest wait for another process that writes to the file, such as ``mediasrv calls erase``."""

# A commit is on the disk when it returns, a power cut included; secure_delete leaves zeros where a row was.
_PRAGMAS = (
    f"PRAGMA busy_timeout = {BUSY_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",
)
_VERSIONS = "CREATE TABLE IF NOT EXISTS schemas (name TEXT PRIMARY KEY, steps INTEGER NOT NULL) WITHOUT ROWID"

# What the disk, another process or a broken file does to us: it may pass, and no statement is to blame.
_TROUBLES = frozenset({
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PERM,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of one store."""

    name: str
    """The store's."""
    steps: tuple[tuple[str, ...], ...]
    """Statements of each step, from an empty file on. A step is taken whole or not at all."""
    erase: tuple[str, ...] = ()
    """Statements that leave nothing of a person's here: ``:number`` is his, ``:digits`` the same without ``+``, and
    ``:hash`` what may stand in its place. They are run in one transaction with those of all other stores."""
    expire: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Statements that remove what is past its time, by class of data (see ``RecordsOptions``): at most ``:most`` rows
    from before ``:before``, in seconds since the epoch. They are run again until none is left."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, made if need be and readable by its owner alone; raise ``sqlite3.Error``.

    Transactions are begun and committed by hand. Rows can be read by name.
    """
    path.touch(mode=0o600, exist_ok=True)
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        for pragma in _PRAGMAS:
            connection.execute(pragma)
    except BaseException:
        connection.close()
        raise
    connection.row_factory = sqlite3.Row
    return connection


def migrate(connection: sqlite3.Connection, schemas: Iterable[Schema]) -> None:
    """Take the steps that the file has not taken; raise ``ConfigError`` for a file of a newer program."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_VERSIONS)
        for schema in schemas:
            row = connection.execute("SELECT steps FROM schemas WHERE name = ?", (schema.name,)).fetchone()
            taken = row["steps"] if row else 0
            if taken > len(schema.steps):
                raise ConfigError(f"the records' {schema.name} were written by a newer mediasrv: run that one")
            for statement in (statement for step in schema.steps[taken:] for statement in step):
                connection.execute(statement)
            connection.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?)", (schema.name, len(schema.steps)))
        connection.execute("COMMIT")
    except BaseException:
        roll_back(connection)
        raise


def roll_back(connection: sqlite3.Connection) -> None:
    """Undo the transaction, if SQLite has not done so itself."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def is_trouble(error: BaseException) -> bool:
    """Whether this is the disk's, another process's or a broken file's fault, and not the statement's."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(error, OSError) or (code is not None and code & 0xFF in _TROUBLES)


def trouble_of(error: BaseException) -> str:
    """The same in words that a log can hold."""
    if isinstance(error, OSError):
        return error.strerror or "the file cannot be opened"
    return str(error)
