"""Who has agreed to be called, for what, since when and until when."""

from __future__ import annotations

from dataclasses import astuple, dataclass

from mediasrv.records.connection import Schema
from mediasrv.records.database import Database

CONSENTS = Schema(
    "consents",
    steps=(
        (
            """CREATE TABLE consents (
                number TEXT NOT NULL,
                purpose TEXT NOT NULL,
                granted_s REAL NOT NULL,
                expires_s REAL NOT NULL,
                source TEXT NOT NULL,
                PRIMARY KEY (number, purpose, granted_s)
            ) WITHOUT ROWID""",
            "CREATE INDEX consents_by_end ON consents (expires_s)",
        ),
    ),
    erase=("DELETE FROM consents WHERE number = :number",),
    expire={
        "consents": (
            """DELETE FROM consents WHERE (number, purpose, granted_s) IN
                (SELECT number, purpose, granted_s FROM consents WHERE expires_s < :before LIMIT :most)""",
        )
    },
)


@dataclass(frozen=True, slots=True)
class ConsentRecord:
    """Somebody has agreed to be called."""

    number: str
    """His, in E.164."""
    purpose: str
    granted_s: float
    """Seconds since the epoch, as is the next."""
    expires_s: float
    source: str = ""
    """Where the proof is."""


class Consents:
    """The list. All methods raise ``RecordsError``; then nobody knows whether somebody has agreed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, consent: ConsentRecord) -> None:
        """Keep a consent, in the place of an equal one; on the disk when this returns."""
        await self._database.write("INSERT OR REPLACE INTO consents VALUES (?, ?, ?, ?, ?)", astuple(consent))

    async def of(self, number: str) -> list[ConsentRecord]:
        """All that somebody has agreed to, what has expired too, newest first."""
        query = "SELECT * FROM consents WHERE number = ? ORDER BY granted_s DESC"
        return [ConsentRecord(*row) for row in await self._database.read(query, (number,))]

    async def withdraw(self, number: str, purpose: str, now_s: float) -> int:
        """End his consents to calls of this purpose; how many there were. They stay on record, as expired."""
        statement = (
            "UPDATE consents SET expires_s = :now WHERE number = :number AND purpose = :purpose AND expires_s > :now"
        )
        return await self._database.write(statement, {"now": now_s, "number": number, "purpose": purpose})
