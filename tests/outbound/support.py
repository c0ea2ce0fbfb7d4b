"""What the tests of calling out share: records without a thread, a carrier in memory, and the hours of the day."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mediasrv.carriers.base import CallOrder, Happening, PlacedCall, Webhook
from mediasrv.errors import CarrierError
from mediasrv.outbound.dialer import Dialer
from mediasrv.outbound.gate import Gate
from mediasrv.outbound.ledger import SCHEMA, Ledger
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.outbound.request import TAG, Addresses
from mediasrv.records.connection import connect, migrate
from mediasrv.records.consents import CONSENTS, Consents
from mediasrv.records.database import Database
from mediasrv.records.keyring import Keyring
from mediasrv.records.suppressions import SUPPRESSIONS, Suppressions

SCHEMAS = (SCHEMA, CONSENTS, SUPPRESSIONS)
MOBILE, LANDLINE, PROMOTIONAL_LINE, FINANCE_LINE = "+919876500001", "+912212345678", "+911401234567", "+911601234567"
ANY_HOUR: Mapping[str, Any] = {"window_start": "00:00", "window_end": "23:59:59.999999"}
LENIENT: Mapping[str, Any] = {**ANY_HOUR, "consent_required_for": (), "most_calls": 100}


def at(hour: str, zone: str = "Asia/Kolkata", day: str = "2026-11-21") -> float:
    """A moment by the clock on somebody's wall, in seconds since the epoch."""
    return datetime.fromisoformat(f"{day}T{hour}").replace(tzinfo=ZoneInfo(zone)).timestamp()


class ThreadlessDatabase(Database):
    """The records' own SQL on a real file, done at once: a virtual clock waits for no thread."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SCHEMAS)
        self._connection = connect(path)
        migrate(self._connection, SCHEMAS)
        self.trouble_with: Exception | None = None

    def note(self, statement: str, values: Any = ()) -> None:
        self._connection.execute(statement, values)

    async def transact(self, work: Callable[[sqlite3.Connection], Any]) -> Any:
        await asyncio.sleep(0)
        if self.trouble_with:
            raise self.trouble_with
        self._connection.execute("BEGIN IMMEDIATE")
        result = work(self._connection)
        self._connection.execute("COMMIT")
        return result

    async def read(self, query: str, values: Any = ()) -> list[sqlite3.Row]:
        await asyncio.sleep(0)
        if self.trouble_with:
            raise self.trouble_with
        return self._connection.execute(query, values).fetchall()

    def close(self) -> None:
        self._connection.close()


def gate_with(database: Database, counted: Callable[[str], None] = lambda rule: None, **options: Any) -> Gate:
    ledger, keyring = Ledger(database), Keyring(bytes(32))
    rules = ComplianceOptions(**options)
    return Gate(rules, ledger, Consents(database), Suppressions(database, keyring), counted)


@dataclass
class Office:
    """The server around a dialer."""

    agents: set[str] = field(default_factory=lambda: {"default"})
    prepared: list[str] = field(default_factory=list)
    inbound: int = 0

    def has_agent(self, name: str) -> bool:
        return name in self.agents

    def prepare(self, agent_name: str) -> None:
        self.prepared.append(agent_name)

    def inbound_calls(self) -> int:
        return self.inbound


class Carrier:
    """A carrier in memory. ``outcomes`` are taken one by one for requests: ``None`` obeys and answers, an error is
    raised instead of obeying; ``obeyed`` ones are raised after it."""

    name = "plivo"

    def __init__(self) -> None:
        self.outcomes: list[CarrierError | None] = []
        self.obeyed: list[CarrierError] = []
        self.orders: list[CallOrder] = []
        self.calls: dict[str, PlacedCall] = {}
        self.hung_up: list[str] = []
        self.is_deaf = False
        self.delay_s = 0.0

    async def aclose(self) -> None: ...

    async def place(self, order: CallOrder) -> PlacedCall:
        await asyncio.sleep(self.delay_s)
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if outcome is not None:
            raise outcome
        self.orders.append(order)
        call = PlacedCall(request_id=f"r{len(self.orders)}", to_number=order.to_number, state="queued")
        self.calls[call.request_id] = call
        if self.obeyed:
            raise self.obeyed.pop(0)
        return call

    async def find(self, to_number: str, since_s: float) -> list[PlacedCall]:
        if self.is_deaf:
            raise error_of(retryable=True)
        return [call for call in self.calls.values() if call.to_number == to_number]

    async def hang_up(self, call_id: str) -> None:
        self.hung_up.append(call_id)

    def state(self, request_id: str, state: str) -> None:
        old = self.calls[request_id]
        self.calls[request_id] = PlacedCall(
            request_id=request_id, call_id=request_id, to_number=old.to_number, state=state
        )

    @property
    def rung(self) -> Counter[str]:
        """How often each number was called."""
        return Counter(order.to_number for order in self.orders)

    def tag(self, place: int = -1) -> str:
        """What the URLs of a request bring back."""
        return self.orders[place].status_url.partition(f"{TAG}=")[2]


def error_of(*, retryable: bool = False, uncertain: bool = False) -> CarrierError:
    return CarrierError("said no", carrier="plivo", retryable=retryable, uncertain=uncertain)


def told(happening: Happening, cause: str = "", **fields: Any) -> Webhook:
    return Webhook(happening=happening, cause=cause, call_id=fields.pop("call_id", "c1"), **fields)


def dialer_with(
    database: Database, carrier: Any, office: Office, clock: Callable[[], float], rules: Any = None, **options: Any
) -> Dialer:
    options.setdefault("from_number", LANDLINE)
    gate = gate_with(database, **(LENIENT if rules is None else rules))
    addresses = Addresses("https://voice.example.in", "plivo")
    return Dialer(OutboundOptions(**options), carrier, gate, Ledger(database), addresses, office, clock=clock)
