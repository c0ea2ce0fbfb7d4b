"""All that calling out needs, put together: the rules, the dialer, and the carrier that it speaks to.

A server attends to the orders; a command only leaves them in the records. Of several processes with the same records
one attends, which it proves by a lock that ends with it; what carriers tell the others, they leave in the records.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path

from mediasrv.carriers.base import Control, Webhook
from mediasrv.errors import ConfigError
from mediasrv.outbound.dialer import Dialer, Surroundings
from mediasrv.outbound.gate import Gate
from mediasrv.outbound.ledger import Ledger
from mediasrv.outbound.number import e164
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.outbound.request import Addresses
from mediasrv.records.consents import Consents
from mediasrv.records.database import Database
from mediasrv.records.suppressions import Suppressions


class Outbound:
    """One account's calling out."""

    def __init__(
        self,
        options: OutboundOptions,
        compliance: ComplianceOptions,
        control: Control,
        public_url: str,
        database: Database,
        suppressions: Suppressions,
        counted: Callable[[str], None] = lambda rule: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """``counted`` is told of each refusal by its rule. Raise ``ConfigError`` for what the operator must mend."""
        for name in ("from_number", "promotional_from_number"):
            number = getattr(options, name)
            if number and not e164(number):
                raise ConfigError(f"outbound.{name}: expected a number in E.164, such as +912212345678")
        if not public_url:
            raise ConfigError("calls out need server.public_url, where the carrier fetches what they are to say")
        self._options = options
        self._control = control
        self._addresses = Addresses(public_url.rstrip("/"), control.name)
        self._ledger = Ledger(database)
        self._gate = Gate(compliance, self._ledger, Consents(database), suppressions, counted)
        self._clock = clock
        self._lock = Lock(database.path)
        self._dialer: Dialer | None = None

    def dialer(self, surroundings: Surroundings) -> Dialer:
        """The dialer of this process; it takes orders from now on."""
        if self._dialer is None:
            parts = (self._control, self._gate, self._ledger, self._addresses, surroundings, self._lock.take)
            self._dialer = Dialer(self._options, *parts, clock=self._clock)
        return self._dialer

    def on_webhook(self, webhook: Webhook, tag: str) -> None:
        """The carrier tells about a call; ``tag`` is what its URL brought back, empty for calls that are not ours."""
        if self._dialer is not None and tag:
            self._dialer.on_webhook(webhook, tag)

    def is_attended(self) -> bool:
        """Whether some process attends to the orders."""
        if not self._lock.take():
            return True
        self._lock.give_back()
        return False

    async def aclose(self) -> None:
        """Begin no call any more, and close; the records stay open. Safe to call twice."""
        if self._dialer is not None:
            await self._dialer.aclose()
        self._lock.give_back()
        await self._gate.aclose()
        await self._control.aclose()


class Lock:
    """Held by one process at a time; its end gives it back, however it comes."""

    def __init__(self, records: Path) -> None:
        self._path = records.with_name(f"{records.name}.dialer")
        self._file = -1

    def take(self) -> bool:
        """Whether this process holds it, from now on at the latest; raise ``ConfigError`` when there can be none."""
        if self._file >= 0:
            return True
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise ConfigError(f"{self._path}: the dialer's lock cannot be made: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._file = file
        return True

    def give_back(self) -> None:
        """Another process may have it."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
