"""The gate: every call of ours passes it, at first and when it is tried again. What it cannot find out, it refuses.

The rules are in ``rules``; here is what they must know: the lists, the consents and our own records.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from mediasrv.errors import ConfigError
from mediasrv.outbound import rules
from mediasrv.outbound.donotcall import DoNotCall
from mediasrv.outbound.files import ConsentsByNumber, Kept, consents_reader
from mediasrv.outbound.ledger import Ledger
from mediasrv.outbound.options import ComplianceOptions
from mediasrv.outbound.rules import Plan, Refusal, Rule
from mediasrv.records.consents import ConsentRecord, Consents
from mediasrv.records.suppressions import Suppressions

log = logging.getLogger(__name__)

_Check = Callable[[Plan, float], Awaitable[Refusal | None]]


class Gate:
    """One operator's rules."""

    def __init__(
        self,
        options: ComplianceOptions,
        ledger: Ledger,
        consents: Consents,
        suppressions: Suppressions,
        counted: Callable[[str], None] = lambda rule: None,
    ) -> None:
        """``counted`` is told of each refusal by its rule. Raise ``ConfigError``."""
        self._options = options
        self._ledger = ledger
        self._consents = consents
        self._suppressions = suppressions
        self._counted = counted
        self._lists = DoNotCall(options)
        path = options.consent_file
        reader = consents_reader(options.consent_days)
        self._consent_file: Kept[ConsentsByNumber] | None = Kept(Path(path), reader) if path else None

    async def aclose(self) -> None:
        """Close the connections; safe to call twice."""
        await self._lists.aclose()

    async def check(self, plan: Plan, now_s: float) -> Refusal | None:
        """The first rule that forbids a call at this time, in seconds since the epoch; ``None`` when it may be made.

        Raise ``RecordsError`` when our own records cannot be read: then it may not be made either.
        """
        refusal = self._by_itself(plan, now_s)
        checks: tuple[_Check, ...] = (self._by_records, self._by_consent, self._by_lists)
        for check in checks:
            refusal = refusal or await check(plan, now_s)
        if refusal is not None:
            self._counted(refusal.rule.value)
        return refusal

    def _by_itself(self, plan: Plan, now_s: float) -> Refusal | None:
        return (
            rules.by_number(plan)
            or rules.by_purpose(plan)
            or rules.by_series(plan, self._options)
            or rules.by_window(plan, self._options, now_s)
        )

    async def _by_records(self, plan: Plan, now_s: float) -> Refusal | None:
        refusal = rules.by_suppression(await self._suppressions.holds(plan.number))
        called_s = await self._ledger.called_s(plan.number, now_s - self._options.most_calls_period_h * 3600)
        return refusal or rules.by_attempts(called_s, self._options, now_s)

    async def _by_consent(self, plan: Plan, now_s: float) -> Refusal | None:
        if plan.purpose not in self._options.consent_required_for:
            return None
        consents: list[ConsentRecord] = await self._consents.of(plan.number)
        if self._consent_file is not None:
            try:
                consents += (await self._consent_file.content()).get(plan.number, [])
            except ConfigError:
                return Refusal(Rule.CONSENT, "the file of consents cannot be read")
        return rules.by_consent(plan, consents, now_s)

    async def _by_lists(self, plan: Plan, now_s: float) -> Refusal | None:
        listing = await self._lists.ask(plan.number)
        if listing is not rules.Listing.NO_LIST:
            await self._ledger.note_listing(plan.number, listing, now_s)
        return rules.by_listing(plan, listing, self._options)
