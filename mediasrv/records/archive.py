"""What stands in the records of calls, as JSON can hold it: for the command line, the operator's API and export.

Times are ISO 8601 in UTC, durations have their unit in their name.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from mediasrv.records import tables
from mediasrv.records.database import Database

MOST_CALLS = 500
"""Calls on one page."""

Json = dict[str, Any]

_TURNS = f"turn, heard_s, response_ms, {', '.join(tables.PARTS)}"
# What belongs to a call: the key it is given under, and the rows.
_PARTS: Mapping[str, str] = {
    "legs": "SELECT id, kind, party, started_s, ended_s, cause FROM legs WHERE call_id = ? ORDER BY started_s",
    "turns": f"SELECT {_TURNS} FROM turns WHERE call_id = ? ORDER BY heard_s",
    "transcript": "SELECT at_s, side, text, complete FROM transcript WHERE call_id = ? ORDER BY at_s, rowid",
    "usage": "SELECT provider, use, amount FROM usage WHERE call_id = ? ORDER BY provider, use",
    "recordings": """SELECT place, maker, began_s, duration_ms, is_whole FROM recordings
        WHERE call_id = ? ORDER BY began_s""",
}
_TEXT = r"""(from_number LIKE :text ESCAPE '\' OR to_number LIKE :text ESCAPE '\' OR agent LIKE :text ESCAPE '\'
    OR id LIKE :text ESCAPE '\' OR cause LIKE :text ESCAPE '\'
    OR id IN (SELECT call_id FROM transcript WHERE text LIKE :text ESCAPE '\'))"""
_FLAGS = ("complete", "is_whole")
_OTHERS: Mapping[str, str] = {
    "consent": "SELECT number, purpose, granted_s, expires_s, source FROM consents ORDER BY number LIMIT ? OFFSET ?",
    "suppression": "SELECT number, source, call_id, at_s FROM suppressions ORDER BY number LIMIT ? OFFSET ?",
    "tombstone": "SELECT hash, erased_s, counts FROM tombstones ORDER BY rowid LIMIT ? OFFSET ?",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which calls are asked for; newest first."""

    number: str = ""
    """Of either side, in E.164."""
    text: str = ""
    """That stands in a number, the agent's name, the call's, the cause of its end, or in what was said."""
    agent: str = ""
    direction: str = ""
    is_live: bool | None = None
    since_s: float | None = None
    """Calls that started then or later, in seconds since the epoch."""
    until_s: float | None = None
    """Calls that started before then."""
    after: str = ""
    """Only calls behind this one: the id of the last one of the page before."""
    most: int = 50


class Archive:
    """Questions; all raise ``RecordsError``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def calls(self, wanted: Wanted) -> list[Json]:
        """A page of calls, in short."""
        where, values = _conditions(wanted)
        query = f"SELECT * FROM calls WHERE {where} ORDER BY started_s DESC, id DESC LIMIT :most"
        return [_call(row) for row in await self._database.read(query, values)]

    async def call(self, call_id: str) -> Json | None:
        """All that is known of a call."""
        rows = await self._database.read("SELECT * FROM calls WHERE id = ?", (call_id,))
        if not rows:
            return None
        whole = _call(rows[0])
        whole["body"] = orjson.loads(rows[0]["body"]) if rows[0]["body"] else {}
        for name, query in _PARTS.items():
            whole[name] = [_plain(row) for row in await self._database.read(query, (call_id,))]
        return whole

    async def everything(self, wanted: Wanted) -> AsyncIterator[tuple[str, Json]]:
        """All calls that are asked for, whole, as ``call``; without a filter also each ``consent``, ``suppression``
        and ``tombstone``."""
        after = ""
        while page := await self.calls(Wanted(number=wanted.number, since_s=wanted.since_s, after=after, most=100)):
            for brief in page:
                if (whole := await self.call(brief["id"])) is not None:
                    yield "call", whole
            after = page[-1]["id"]
        for kind, query in _OTHERS.items():
            offset = 0
            while rows := await self._database.read(query, (MOST_CALLS, offset)):
                for row in rows:
                    if not wanted.number or row[0] == wanted.number:
                        yield kind, _plain(row)
                offset += len(rows)


def _conditions(wanted: Wanted) -> tuple[str, Json]:
    values: Json = {"most": max(1, min(wanted.most, MOST_CALLS))}
    conditions = ["1"]
    simple = {"agent": "agent = :agent", "direction": "direction = :direction"}
    simple |= {"since_s": "started_s >= :since_s", "until_s": "started_s < :until_s"}
    # The row that the page before ended with may have gone since; then there is no telling what is behind it.
    simple |= {"after": "(started_s, id) < (SELECT started_s, id FROM calls WHERE id = :after)"}
    simple |= {"number": "(from_number = :number OR to_number = :number OR id IN " + tables.CALLS_OF_NUMBER + ")"}
    simple |= {"text": _TEXT}
    for name, condition in simple.items():
        value = _pattern(wanted.text) if name == "text" else getattr(wanted, name)
        if value not in ("", None):
            conditions.append(condition)
            values[name] = value
    if wanted.is_live is not None:
        conditions.append(f"ended_s IS {'' if wanted.is_live else 'NOT '}NULL")
    return " AND ".join(conditions), values


def _pattern(text: str) -> str:
    """Of what has a text in it."""
    return text and "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"


def _call(row: sqlite3.Row) -> Json:
    ended_s = row["ended_s"]
    return {
        "id": row["id"],
        "carrier": row["carrier"],
        "agent": row["agent"],
        "direction": row["direction"],
        "from_number": row["from_number"],
        "to_number": row["to_number"],
        "started": iso(row["started_s"]),
        "ended": None if ended_s is None else iso(ended_s),
        "duration_s": None if ended_s is None else round(ended_s - row["started_s"], 3),
        "cause": row["cause"],
    }


def _plain(row: sqlite3.Row) -> Json:
    """A row with its times readable, under their names without the unit."""
    plain: Json = {}
    for name in row.keys():  # noqa: SIM118
        value = row[name]
        if name.endswith("_s"):
            plain[name.removesuffix("_s")] = None if value is None else iso(value)
        elif name == "counts":
            plain[name] = orjson.loads(value)
        else:
            plain[name] = bool(value) if name in _FLAGS else value
    return plain


def iso(at_s: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC, to the millisecond."""
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
