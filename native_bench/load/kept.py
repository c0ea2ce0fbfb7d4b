"""What a server kept of its calls, read when it has ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

FILE = "records.db"
"""In the folder of a run."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The records of a run."""

    calls: int
    left_open: int
    """Calls without an end."""
    turns: int
    is_whole: bool
    """Whether SQLite finds nothing wrong in the file."""

    def flaws(self, made: int, answered: int) -> list[str]:
        """What is lost of so many calls with so many answered turns, in words."""
        found = [f"{made - self.calls} of {made} calls have no record"] if self.calls != made else []
        if self.left_open:
            found.append(f"{self.left_open} calls have no end in their record")
        if self.turns < answered:
            found.append(f"{answered - self.turns} of {answered} answered turns are not in the records")
        return found if self.is_whole else [*found, "the records' file is damaged"]


def kept(folder: Path) -> Kept:
    """Read the records."""
    with closing(sqlite3.connect(folder / FILE)) as records:
        ((calls, ended),) = records.execute("SELECT count(*), count(ended_s) FROM calls")
        ((turns,),) = records.execute("SELECT count(*) FROM turns")
        is_whole = records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    return Kept(calls, calls - ended, turns, is_whole)
