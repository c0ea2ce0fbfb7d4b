"""What is remembered of calls that we make: orders and how they stand, each call, and what lists have said.

An order is claimed for a call in one statement, so that of two processes with the same file only one makes it, and the
claim is on the disk before the carrier is asked. What follows may be lost in a crash: the carrier knows it.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, fields

from mediasrv.carriers.base import Happening, Webhook
from mediasrv.outbound.order import UNSETTLED, Order, Standing, State
from mediasrv.outbound.rules import Listing, Plan
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database

SCHEMA = Schema(
    "outbound",
    steps=(
        (
            """CREATE TABLE outbound_orders (
                id TEXT PRIMARY KEY, campaign TEXT NOT NULL, number TEXT NOT NULL, from_number TEXT NOT NULL,
                purpose TEXT NOT NULL, zone TEXT NOT NULL, agent TEXT NOT NULL, body TEXT NOT NULL,
                ordered_s REAL NOT NULL, state TEXT NOT NULL, since_s REAL NOT NULL, due_s REAL,
                serial INTEGER NOT NULL, calls INTEGER NOT NULL, tries INTEGER NOT NULL, looks INTEGER NOT NULL,
                placed_s REAL NOT NULL, request_id TEXT NOT NULL, call_id TEXT NOT NULL, cause TEXT NOT NULL,
                machine INTEGER
            ) WITHOUT ROWID""",
            "CREATE UNIQUE INDEX outbound_once ON outbound_orders (campaign, number) WHERE campaign != ''",
            "CREATE INDEX outbound_due ON outbound_orders (state, due_s)",
            "CREATE INDEX outbound_callees ON outbound_orders (number)",
            """CREATE TABLE outbound_calls (
                order_id TEXT NOT NULL, serial INTEGER NOT NULL, number TEXT NOT NULL, placed_s REAL NOT NULL,
                request_id TEXT NOT NULL, call_id TEXT NOT NULL, rang INTEGER NOT NULL, PRIMARY KEY (order_id, serial)
            ) WITHOUT ROWID""",
            "CREATE INDEX outbound_attempts ON outbound_calls (number, placed_s)",
            """CREATE TABLE outbound_listings (
                number TEXT NOT NULL, asked_s REAL NOT NULL, listing TEXT NOT NULL
            )""",
            "CREATE INDEX outbound_listed ON outbound_listings (number)",
            """CREATE TABLE outbound_told (
                tag TEXT NOT NULL, happening TEXT NOT NULL, call_id TEXT NOT NULL, request_id TEXT NOT NULL,
                cause TEXT NOT NULL, machine INTEGER
            )""",
        ),
    ),
    erase=(
        "DELETE FROM outbound_orders WHERE number = :number",
        "DELETE FROM outbound_calls WHERE number = :number",
        "DELETE FROM outbound_listings WHERE number = :number",
        "UPDATE outbound_orders SET body = '' WHERE instr(body, :digits)",
    ),
    expire={
        "transcripts": (
            """UPDATE outbound_orders SET body = '' WHERE id IN (SELECT id FROM outbound_orders
                WHERE state IN ('ended', 'failed') AND since_s < :before AND body != '' LIMIT :most)""",
        ),
        "calls": (
            """DELETE FROM outbound_orders WHERE id IN (SELECT id FROM outbound_orders
                WHERE state IN ('ended', 'failed') AND since_s < :before LIMIT :most)""",
            """DELETE FROM outbound_calls WHERE (order_id, serial) IN
                (SELECT order_id, serial FROM outbound_calls WHERE placed_s < :before LIMIT :most)""",
            """DELETE FROM outbound_listings WHERE rowid IN
                (SELECT rowid FROM outbound_listings WHERE asked_s < :before LIMIT :most)""",
        ),
    },
)

_PLAN = [field.name for field in fields(Plan)]
_STANDING = [field.name for field in fields(Standing)]
_COLUMNS = ["id", "campaign", "agent", "body", "ordered_s", *_PLAN, *_STANDING]
_INSERT = (
    f"INSERT OR IGNORE INTO outbound_orders ({', '.join(_COLUMNS)}) VALUES ({', '.join(f':{c}' for c in _COLUMNS)})"
)
_SET = f"UPDATE outbound_orders SET {', '.join(f'{name} = :{name}' for name in _STANDING)} WHERE id = :id"
_UPDATE = f"{_SET} AND serial = :serial"
_TAKE = f"{_SET} AND state = 'planned' AND serial = :old"
# One that was never called may be ordered again.
_FORGET = """DELETE FROM outbound_orders
    WHERE campaign = :campaign AND campaign != '' AND number = :number AND state = 'failed' AND calls = 0"""
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM outbound_orders"
_CALLED = "INSERT OR REPLACE INTO outbound_calls VALUES (:id, :serial, :number, :placed_s, :request_id, :call_id, 1)"
_NAMED = """UPDATE outbound_calls SET request_id = :request_id, call_id = :call_id, rang = :rang
    WHERE order_id = :id AND serial = :serial"""
_STATES = ", ".join(f"'{state.value}'" for state in UNSETTLED)
_FREE = f"""NOT EXISTS (SELECT 1 FROM outbound_orders AS other
    WHERE other.number = outbound_orders.number AND other.state IN ({_STATES}))"""
# A row's number is given again once the table is empty: then this is another word, which nobody has heard yet.
_HEARD = """DELETE FROM outbound_told WHERE rowid = ? AND tag = ? AND happening = ? AND call_id = ? AND request_id = ?
    AND cause = ? AND machine IS ?"""

Entry = tuple[Order, Standing]


class Ledger:
    """The tables."""

    def __init__(self, database: Database) -> None:
        """A database with ``SCHEMA``; whoever opened it closes it. All methods raise ``RecordsError``."""
        self._database = database

    # -- orders --------------------------------------------------------------------------------------------------

    async def add(self, order: Order) -> str:
        """Remember a new order, to be placed at once, and return its name.

        Where its campaign has one for this number already, that one's name is returned and nothing is changed; but an
        order that failed before anybody's phone rang makes room for the new one.
        """
        values = _values(order, Standing(since_s=order.ordered_s, due_s=order.ordered_s))

        def work(connection: sqlite3.Connection) -> str:
            connection.execute(_FORGET, values)
            if connection.execute(_INSERT, values).rowcount == 1:
                return order.id
            query = "SELECT id FROM outbound_orders WHERE campaign = :campaign AND number = :number"
            return str(connection.execute(query, values).fetchone()["id"])

        return await self._database.transact(work)

    async def claim(self, order: Order, old: Standing, new: Standing) -> bool:
        """Have a planned order for oneself before its call is asked for; ``False`` when somebody else was first, or
        somebody is calling this number."""
        values = _values(order, new) | {"old": old.serial}

        def work(connection: sqlite3.Connection) -> bool:
            is_mine = connection.execute(f"{_TAKE} AND {_FREE}", values).rowcount == 1
            if is_mine:
                connection.execute(_CALLED, values)
            return is_mine

        return await self._database.transact(work)

    async def settle(self, order: Order, old: Standing, new: Standing) -> bool:
        """Give up a planned order, or put it off; ``False`` when somebody else has it by now."""
        values = _values(order, new) | {"old": old.serial}
        return await self._database.write(_TAKE, values) == 1

    def keep(self, order: Order, old: Standing, new: Standing) -> None:
        """Remember how an order stands that one has claimed; soon on the disk."""
        values = _values(order, new)
        self._database.note(_UPDATE, values)
        if new.calls > old.calls:
            self._database.note(_CALLED, values)
        elif (new.request_id, new.call_id, new.calls) != (old.request_id, old.call_id, old.calls):
            self._database.note(_NAMED, values | {"rang": new.calls == old.calls})

    async def due(self, now_s: float, limit: int) -> list[Entry]:
        """Planned orders whose time has come, the longest due first, of numbers that nobody is calling; one of each."""
        query = f"{_SELECT} WHERE state = 'planned' AND due_s <= ? AND {_FREE} ORDER BY due_s LIMIT ?"
        entries = [_entry(row) for row in await self._database.read(query, (now_s, limit))]
        firsts: dict[str, Entry] = {}
        for entry in entries:
            firsts.setdefault(entry[0].plan.number, entry)
        return list(firsts.values())

    async def next_due_s(self) -> float | None:
        """When the next planned order is due; ``None`` when there is none."""
        (row,) = await self._database.read("SELECT MIN(due_s) FROM outbound_orders WHERE state = 'planned'")
        return None if row[0] is None else float(row[0])

    async def unsettled(self) -> list[Entry]:
        """Orders with a call, or with one that may be there."""
        return [_entry(row) for row in await self._database.read(f"{_SELECT} WHERE state IN ({_STATES})")]

    async def order(self, order_id: str) -> Entry | None:
        """One order; ``None`` when there is no such."""
        rows = await self._database.read(f"{_SELECT} WHERE id = ?", (order_id,))
        return _entry(rows[0]) if rows else None

    async def ordered(self, campaign: str) -> dict[str, Entry]:
        """A campaign's orders by number."""
        found: dict[str, Entry] = {}
        last = ""
        while rows := await self._database.read(
            f"{_SELECT} WHERE campaign = ? AND number > ? ORDER BY number LIMIT 5000", (campaign, last)
        ):
            found |= {row["number"]: _entry(row) for row in rows}
            last = rows[-1]["number"]
        return found

    async def progress(self, campaign: str) -> Counter[State]:
        """How many orders of a campaign stand how."""
        query = "SELECT state, COUNT(*) FROM outbound_orders WHERE campaign = ? GROUP BY state"
        return Counter({State(row[0]): row[1] for row in await self._database.read(query, (campaign,))})

    async def known(self, order: Order, serial: int) -> set[str]:
        """The carrier's names for all other calls to an order's number, and for their requests."""
        query = """SELECT request_id, call_id FROM outbound_calls
            WHERE number = ? AND NOT (order_id = ? AND serial = ?)"""
        rows = await self._database.read(query, (order.plan.number, order.id, serial))
        return {name for row in rows for name in row if name}

    # -- what the carrier tells another process ------------------------------------------------------------------

    def leave(self, webhook: Webhook, tag: str) -> None:
        """Leave a webhook to whoever attends to the orders."""
        row = (tag, webhook.happening.value, webhook.call_id, webhook.request_id, webhook.cause, webhook.machine)
        self._database.note("INSERT INTO outbound_told VALUES (?, ?, ?, ?, ?, ?)", row)

    async def left(self) -> list[tuple[Webhook, str]]:
        """Take what others have left, in its order; the same may be given out again until its deletion is written."""
        rows = await self._database.read("SELECT rowid, * FROM outbound_told ORDER BY rowid LIMIT 1000")
        for row in rows:
            self._database.note(_HEARD, tuple(row))
        return [(_webhook(row), row["tag"]) for row in rows]

    # -- callees -------------------------------------------------------------------------------------------------

    async def called_s(self, number: str, since_s: float) -> list[float]:
        """When a number was called since then."""
        query = "SELECT placed_s FROM outbound_calls WHERE number = ? AND placed_s > ? AND rang"
        return [row[0] for row in await self._database.read(query, (number, since_s))]

    async def note_listing(self, number: str, listing: Listing, now_s: float) -> None:
        """Remember what a do-not-call list said, and when, before anybody relies on it."""
        await self._database.write("INSERT INTO outbound_listings VALUES (?, ?, ?)", (number, now_s, listing.value))


def _webhook(row: sqlite3.Row) -> Webhook:
    return Webhook(
        happening=Happening(row["happening"]),
        call_id=row["call_id"],
        request_id=row["request_id"],
        cause=row["cause"],
        machine=_truth(row["machine"]),
    )


def _truth(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _values(order: Order, standing: Standing) -> dict[str, object]:
    about = {"id": order.id, "campaign": order.campaign, "agent": order.agent, "body": order.body}
    return (
        about | {"ordered_s": order.ordered_s} | asdict(order.plan) | asdict(standing) | {"state": standing.state.value}
    )


def _entry(row: Mapping[str, object] | sqlite3.Row) -> Entry:
    given = dict(zip(_COLUMNS, row, strict=True))
    plan = Plan(**{name: given.pop(name) for name in _PLAN})
    standing = {name: given.pop(name) for name in _STANDING}
    standing["state"] = State(standing["state"])
    standing["machine"] = _truth(standing["machine"])
    return Order(plan=plan, **given), Standing(**standing)
