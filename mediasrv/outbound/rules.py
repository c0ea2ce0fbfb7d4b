"""The rules of calling out, each a function of what is known; it returns the refusal, or ``None`` where it has none.

A rule that lacks what it must know refuses. Times are seconds since the epoch. This is what the law of some countries
asks of software, not legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from zoneinfo import ZoneInfo

from mediasrv.outbound.number import e164, zone_named, zones_of
from mediasrv.outbound.options import PURPOSES, ComplianceOptions
from mediasrv.records.consents import ConsentRecord

PROMOTIONAL = "promotional"
# TRAI: 140 for promotional calls alone, 160 for service and transactional calls of regulated finance.
_INDIA, _PROMOTIONAL_SERIES, _FINANCE_SERIES = "+91", "+91140", "+91160"


class Rule(Enum):
    """What a call may be refused by."""

    NUMBER = "number"
    PURPOSE = "purpose"
    SERIES = "number series"
    WINDOW = "calling window"
    SUPPRESSED = "suppression list"
    ATTEMPTS = "attempt cap"
    CONSENT = "consent"
    DO_NOT_CALL = "do-not-call list"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A call must not be made."""

    rule: Rule
    reason: str
    """What is wrong, in words that name no number."""

    def __str__(self) -> str:
        return f"{self.rule.value}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Who is to be called, and why."""

    number: str
    """The callee, in E.164."""
    from_number: str
    """Whom he sees calling, likewise."""
    purpose: str
    zone: str = ""
    """Where he lives, as a name of the IANA database; empty: somewhere in the country of his number."""


class Listing(Enum):
    """What is known of a number on the do-not-call list."""

    CLEAR = "clear"
    LISTED = "listed"
    UNKNOWN = "unknown"
    """The list did not answer."""
    NO_LIST = "no list"


def by_number(plan: Plan) -> Refusal | None:
    """Whether it is a telephone number at all."""
    if e164(plan.number) != plan.number or not plan.number:
        return Refusal(Rule.NUMBER, "expected a number in E.164, such as +912212345678")
    return None


def by_purpose(plan: Plan) -> Refusal | None:
    """Whether the purpose is one that the rules know."""
    if plan.purpose not in PURPOSES:
        return Refusal(Rule.PURPOSE, f"expected {', '.join(PURPOSES[:-1])} or {PURPOSES[-1]}")
    return None


def by_series(plan: Plan, options: ComplianceOptions) -> Refusal | None:
    """Whether the number that is shown fits the purpose."""
    shown, is_promotional = plan.from_number, plan.purpose == PROMOTIONAL
    if e164(shown) != shown or not shown:
        return Refusal(Rule.SERIES, f"no number to call from is configured for {plan.purpose} calls")
    if not options.indian_series or not (shown.startswith(_INDIA) or plan.number.startswith(_INDIA)):
        return None
    if is_promotional and not shown.startswith(_PROMOTIONAL_SERIES):
        return Refusal(Rule.SERIES, "promotional calls must come from the 140 series")
    if not is_promotional and shown.startswith(_PROMOTIONAL_SERIES):
        return Refusal(Rule.SERIES, "the 140 series is for promotional calls alone")
    if not is_promotional and options.regulated_finance and not shown.startswith(_FINANCE_SERIES):
        return Refusal(Rule.SERIES, "regulated finance must call from the 160 series")
    return None


def by_window(plan: Plan, options: ComplianceOptions, now_s: float) -> Refusal | None:
    """Whether it is a decent hour wherever the callee may live."""
    zones = _zones(plan)
    if not zones:
        unknown = "the time zone that is named" if plan.zone else "the time zone of the number's country"
        return Refusal(Rule.WINDOW, f"{unknown} is not known")
    start, end = options.window
    hours = [datetime.fromtimestamp(now_s, zone).time() for zone in zones]
    if not all(start <= hour < end for hour in hours):
        where = "in every zone of the callee's country" if len(zones) > 1 else "where the callee lives"
        return Refusal(Rule.WINDOW, f"it is not between {options.window_start} and {options.window_end} {where}")
    return None


def by_suppression(is_suppressed: bool) -> Refusal | None:
    """Whether the callee has asked for no more calls."""
    return Refusal(Rule.SUPPRESSED, "the callee has asked not to be called") if is_suppressed else None


def by_attempts(called_s: Iterable[float], options: ComplianceOptions, now_s: float) -> Refusal | None:
    """Whether the callee was called often enough; ``called_s`` are the times that he was."""
    since_s = now_s - options.most_calls_period_h * 3600
    if sum(at_s > since_s for at_s in called_s) >= options.most_calls:
        reason = f"the number was called {options.most_calls} times in {options.most_calls_period_h:g} hours"
        return Refusal(Rule.ATTEMPTS, reason)
    return None


def by_consent(plan: Plan, consents: Iterable[ConsentRecord], now_s: float) -> Refusal | None:
    """Whether the callee has agreed to calls of this purpose."""
    fitting = [consent for consent in consents if consent.purpose == plan.purpose and consent.granted_s <= now_s]
    if any(now_s < consent.expires_s for consent in fitting):
        return None
    return Refusal(Rule.CONSENT, f"the consent to {plan.purpose} calls {'has expired' if fitting else 'is missing'}")


def by_listing(plan: Plan, listing: Listing, options: ComplianceOptions) -> Refusal | None:
    """Whether the callee is on a do-not-call list, as far as anybody could tell."""
    match listing:
        case Listing.CLEAR:
            return None
        case Listing.LISTED:
            return Refusal(Rule.DO_NOT_CALL, "the number is on the do-not-call list")
        case Listing.UNKNOWN:
            return Refusal(Rule.DO_NOT_CALL, "the do-not-call list could not be asked")
        case Listing.NO_LIST if plan.purpose in options.do_not_call_required_for:
            return Refusal(Rule.DO_NOT_CALL, f"no do-not-call list is configured, and {plan.purpose} calls need one")
    return None


def _zones(plan: Plan) -> Sequence[ZoneInfo]:
    """Where the callee may live; nothing when nobody knows."""
    if not plan.zone:
        return zones_of(plan.number)
    named = zone_named(plan.zone)
    return () if named is None else (named,)
