"""The tables of a call's record.

Everything hangs on the call's row and goes with it. What is written here by the loop's leave goes in as notes, so a
statement may come twice or late: each says what it does then.
"""

from __future__ import annotations

from mediasrv.call.trace import STAGES
from mediasrv.records.connection import Schema

PARTS = tuple(f"{name}_ms" for name, _ in STAGES)
"""Columns of a turn's waterfall; they add up to its ``response_ms``."""

_CALLS = """CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    carrier TEXT NOT NULL,
    agent TEXT NOT NULL,
    direction TEXT NOT NULL,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    body TEXT, -- JSON
    process INTEGER NOT NULL, -- that it was last on
    started_s REAL NOT NULL,
    ended_s REAL,
    cause TEXT
) WITHOUT ROWID"""
_CALL_ID = "call_id TEXT NOT NULL REFERENCES calls (id) ON DELETE CASCADE"
_LEGS = f"""CREATE TABLE legs (
    {_CALL_ID},
    id TEXT NOT NULL, -- the stream, or the carrier's name for the other party's call
    kind TEXT NOT NULL, -- agent: with one of ours; transfer: with somebody else
    party TEXT NOT NULL, -- the agent's name, or a number
    started_s REAL NOT NULL,
    ended_s REAL,
    cause TEXT,
    PRIMARY KEY (call_id, id)
) WITHOUT ROWID"""
_TURNS = f"""CREATE TABLE turns (
    {_CALL_ID},
    turn INTEGER NOT NULL,
    heard_s REAL NOT NULL,
    response_ms INTEGER NOT NULL,
    {", ".join(f"{part} INTEGER NOT NULL" for part in PARTS)}
)"""
_TRANSCRIPT = f"""CREATE TABLE transcript (
    {_CALL_ID},
    leg_id TEXT NOT NULL,
    turn INTEGER, -- of the caller's
    at_s REAL NOT NULL,
    side TEXT NOT NULL,
    text TEXT NOT NULL,
    complete INTEGER NOT NULL
)"""
_USAGE = f"""CREATE TABLE usage (
    {_CALL_ID},
    provider TEXT NOT NULL,
    use TEXT NOT NULL,
    amount REAL NOT NULL,
    PRIMARY KEY (call_id, provider, use)
) WITHOUT ROWID"""
_RECORDINGS = f"""CREATE TABLE recordings (
    place TEXT PRIMARY KEY, -- a file of ours, or an address at the carrier's
    {_CALL_ID},
    maker TEXT NOT NULL, -- server or carrier
    began_s REAL NOT NULL,
    duration_ms INTEGER NOT NULL,
    is_whole INTEGER NOT NULL
) WITHOUT ROWID"""

CALLS_OF_NUMBER = """(SELECT id FROM calls WHERE from_number = :number OR to_number = :number
    UNION SELECT call_id FROM legs WHERE party = :number)"""

CALLS = Schema(
    "calls",
    steps=(
        (
            *(_CALLS, _LEGS, _TURNS, _TRANSCRIPT, _USAGE, _RECORDINGS),
            "CREATE INDEX calls_by_start ON calls (started_s, id)",
            "CREATE INDEX calls_live ON calls (process) WHERE ended_s IS NULL",
            "CREATE INDEX calls_by_caller ON calls (from_number)",
            "CREATE INDEX calls_by_callee ON calls (to_number)",
            "CREATE INDEX legs_by_party ON legs (party)",
            "CREATE INDEX turns_of_call ON turns (call_id)",
            "CREATE INDEX transcript_of_call ON transcript (call_id, at_s)",
            "CREATE INDEX transcript_by_time ON transcript (at_s)",
            "CREATE UNIQUE INDEX transcript_turns ON transcript (call_id, leg_id, turn) WHERE turn IS NOT NULL",
            "CREATE INDEX recordings_of_call ON recordings (call_id)",
        ),
        # The carrier's name for its recording, by which it can be deleted there.
        ("ALTER TABLE recordings ADD COLUMN name TEXT NOT NULL DEFAULT ''",),
    ),
    erase=(
        f"DELETE FROM calls WHERE id IN {CALLS_OF_NUMBER}",
        # Somebody else may have named him.
        "UPDATE transcript SET text = replace(text, :digits, '…') WHERE instr(text, :digits)",
        "UPDATE calls SET body = NULL WHERE instr(body, :digits)",
    ),
    expire={
        "transcripts": (
            "DELETE FROM transcript WHERE rowid IN (SELECT rowid FROM transcript WHERE at_s < :before LIMIT :most)",
            """UPDATE calls SET body = NULL WHERE id IN
                (SELECT id FROM calls WHERE started_s < :before AND body IS NOT NULL LIMIT :most)""",
        ),
        "calls": (
            """DELETE FROM calls WHERE id IN
                (SELECT id FROM calls WHERE coalesce(ended_s, started_s) < :before LIMIT :most)""",
        ),
    },
)

BEGIN = """INSERT INTO calls (id, carrier, agent, direction, from_number, to_number, body, process, started_s)
    VALUES (:id, :carrier, :agent, :direction, :from_number, :to_number, :body, :process, :now)
    ON CONFLICT (id) DO UPDATE SET agent = excluded.agent, process = excluded.process, ended_s = NULL, cause = NULL"""
"""A call's first stream, or a further one of it."""
BEGIN_LEG = """INSERT INTO legs (call_id, id, kind, party, started_s)
    VALUES (:id, :leg_id, :kind, :party, :now) ON CONFLICT DO NOTHING"""
END_LEG = "UPDATE legs SET ended_s = :now, cause = :cause WHERE call_id = :id AND id = :leg_id"
END = "UPDATE calls SET ended_s = :now, cause = :cause WHERE id = :id"
SAY = """INSERT INTO transcript VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (call_id, leg_id, turn) WHERE turn IS NOT NULL DO UPDATE SET text = excluded.text"""
ANSWER = f"INSERT INTO turns VALUES (?, ?, ?, ?, {', '.join('?' * len(PARTS))})"
SPEND = """INSERT INTO usage VALUES (?, ?, ?, ?)
    ON CONFLICT (call_id, provider, use) DO UPDATE SET amount = amount + excluded.amount"""
RECORD = """INSERT OR REPLACE INTO recordings (place, call_id, maker, began_s, duration_ms, is_whole, name)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM calls WHERE id = ?2)"""
"""A recording of a call that is known: of one that is erased a carrier may tell late."""
# What was noted last of a call is the last that is known of it.
ABANDON = """UPDATE calls SET cause = 'server was lost', ended_s = max(
        started_s,
        coalesce((SELECT max(at_s) FROM transcript WHERE call_id = calls.id), 0),
        coalesce((SELECT max(heard_s) FROM turns WHERE call_id = calls.id), 0)
    ) WHERE ended_s IS NULL AND process = :process AND started_s < :before"""
"""Calls that a process could not end."""
LIVE_ON = "SELECT DISTINCT process FROM calls WHERE ended_s IS NULL"
