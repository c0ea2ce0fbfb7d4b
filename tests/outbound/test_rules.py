"""The rules, each with what it lets pass and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import floats, sampled_from

from mediasrv.outbound import rules
from mediasrv.outbound.number import zones_of
from mediasrv.outbound.options import PURPOSES, ComplianceOptions
from mediasrv.outbound.rules import Listing, Plan, Refusal, Rule
from mediasrv.records.consents import ConsentRecord
from tests.outbound.support import FINANCE_LINE, LANDLINE, MOBILE, PROMOTIONAL_LINE, at

DAY_S = 86_400.0


def plan(**changes: Any) -> Plan:
    return Plan(**{"number": MOBILE, "from_number": LANDLINE, "purpose": "transactional", **changes})


def rule_of(refusal: Refusal | None) -> Rule | None:
    return refusal.rule if refusal else None


@pytest.mark.parametrize("number", ["", "919876500001", "+91 98765 00001", "+0123456789", "sip:bob@example.com"])
def test_what_is_no_number_is_refused(number: str) -> None:
    assert rule_of(rules.by_number(plan(number=number))) is Rule.NUMBER


def test_a_number_passes() -> None:
    assert rules.by_number(plan()) is None


@pytest.mark.parametrize("purpose", ["", "spam", "Promotional"])
def test_a_purpose_that_no_rule_knows_is_refused(purpose: str) -> None:
    assert rule_of(rules.by_purpose(plan(purpose=purpose))) is Rule.PURPOSE


@pytest.mark.parametrize("purpose", PURPOSES)
def test_known_purposes_pass(purpose: str) -> None:
    assert rules.by_purpose(plan(purpose=purpose)) is None


@pytest.mark.parametrize(
    ("purpose", "shown", "options", "is_fine"),
    [
        ("promotional", PROMOTIONAL_LINE, {}, True),
        ("promotional", LANDLINE, {}, False),
        ("promotional", FINANCE_LINE, {}, False),
        ("promotional", "+14155550100", {}, False),
        ("service", PROMOTIONAL_LINE, {}, False),
        ("transactional", PROMOTIONAL_LINE, {}, False),
        ("transactional", LANDLINE, {}, True),
        ("service", FINANCE_LINE, {}, True),
        ("transactional", LANDLINE, {"regulated_finance": True}, False),
        ("transactional", FINANCE_LINE, {"regulated_finance": True}, True),
        ("promotional", LANDLINE, {"indian_series": False}, True),
        ("service", "", {"indian_series": False}, False),
        ("service", "1600", {"indian_series": False}, False),
    ],
)
def test_the_series_must_fit_the_purpose(purpose: str, shown: str, options: Any, is_fine: bool) -> None:
    refusal = rules.by_series(plan(purpose=purpose, from_number=shown), ComplianceOptions(**options))
    assert rule_of(refusal) is (None if is_fine else Rule.SERIES)


def test_series_are_indias() -> None:
    abroad = plan(purpose="promotional", number="+14155550101", from_number="+14155550100")
    assert rules.by_series(abroad, ComplianceOptions()) is None


@pytest.mark.parametrize(
    ("hour", "is_fine"),
    [("08:59:59", False), ("09:00", True), ("20:59:59", True), ("21:00", False), ("00:00", False)],
)
def test_the_window_begins_and_ends_to_the_second(hour: str, is_fine: bool) -> None:
    assert (rules.by_window(plan(), ComplianceOptions(), at(hour)) is None) is is_fine


def test_the_window_may_be_narrower() -> None:
    narrow = ComplianceOptions(window_start="10:30", window_end="19:00")
    assert rule_of(rules.by_window(plan(), narrow, at("10:00"))) is Rule.WINDOW
    assert rules.by_window(plan(), narrow, at("10:30")) is None


def test_in_a_country_of_many_zones_it_must_be_day_in_all_of_them() -> None:
    american = plan(number="+14155550100")
    morning = at("10:00", "America/New_York")
    assert rule_of(rules.by_window(american, ComplianceOptions(), morning)) is Rule.WINDOW
    named = plan(number="+14155550100", zone="America/New_York")
    assert rules.by_window(named, ComplianceOptions(), morning) is None


@pytest.mark.parametrize("changes", [{"number": "+9995550100"}, {"zone": "Mars/Olympus"}])
def test_where_nobody_knows_the_hour_nobody_calls(changes: Any) -> None:
    refusal = rules.by_window(plan(**changes), ComplianceOptions(), at("12:00"))
    assert rule_of(refusal) is Rule.WINDOW
    assert "not known" in str(refusal)


@given(
    number=sampled_from([MOBILE, "+14155550100", "+442079460000", "+61491570006", "+5511961234567"]),
    now_s=floats(at("00:00", day="2026-01-01"), at("00:00", day="2027-01-01")),
)
def test_nobody_is_ever_called_out_of_hours(number: str, now_s: float) -> None:
    """A twin by offsets, not by clocks."""
    from datetime import UTC, datetime

    utc = datetime.fromtimestamp(now_s, UTC)
    offsets = [zone.utcoffset(utc.astimezone(zone)) for zone in zones_of(number)]
    seconds = [(utc.timestamp() + (offset.total_seconds() if offset else 0)) % DAY_S for offset in offsets]
    is_day = all(9 * 3600 <= second < 21 * 3600 for second in seconds)
    assert (rules.by_window(plan(number=number), ComplianceOptions(), now_s) is None) == is_day


def test_who_has_asked_not_to_be_called_is_not_called() -> None:
    assert rule_of(rules.by_suppression(True)) is Rule.SUPPRESSED
    assert rules.by_suppression(False) is None


@pytest.mark.parametrize(("ago_h", "is_fine"), [([1, 2, 3], False), ([1, 2, 25], True), ([1, 2, 24], True), ([], True)])
def test_attempts_are_counted_within_the_period(ago_h: list[float], is_fine: bool) -> None:
    now_s = at("12:00")
    refusal = rules.by_attempts([now_s - hours * 3600 for hours in ago_h], ComplianceOptions(), now_s)
    assert rule_of(refusal) is (None if is_fine else Rule.ATTEMPTS)


@pytest.mark.parametrize(
    ("purpose", "granted_days", "expires_days", "word"),
    [
        ("transactional", -1, 1, ""),
        ("transactional", -2, -1, "expired"),
        ("transactional", 1, 2, "missing"),
        ("promotional", -1, 1, "missing"),
    ],
)
def test_a_consent_has_a_purpose_and_an_end(purpose: str, granted_days: int, expires_days: int, word: str) -> None:
    now_s = at("12:00")
    consent = ConsentRecord(MOBILE, purpose, now_s + granted_days * DAY_S, now_s + expires_days * DAY_S)
    refusal = rules.by_consent(plan(), [consent], now_s)
    assert (refusal is None) == (word == "")
    assert refusal is None or (refusal.rule is Rule.CONSENT and word in refusal.reason)


def test_a_consent_that_expires_now_has_expired() -> None:
    consent = ConsentRecord(MOBILE, "transactional", 0.0, at("12:00"))
    assert rule_of(rules.by_consent(plan(), [consent], at("12:00"))) is Rule.CONSENT


@pytest.mark.parametrize(
    ("listing", "purpose", "is_fine"),
    [
        (Listing.CLEAR, "promotional", True),
        (Listing.LISTED, "promotional", False),
        (Listing.LISTED, "transactional", False),
        (Listing.UNKNOWN, "transactional", False),
        (Listing.NO_LIST, "promotional", False),
        (Listing.NO_LIST, "service", True),
    ],
)
def test_a_list_counts_for_all_and_its_lack_for_promotion(listing: Listing, purpose: str, is_fine: bool) -> None:
    refusal = rules.by_listing(plan(purpose=purpose), listing, ComplianceOptions())
    assert rule_of(refusal) is (None if is_fine else Rule.DO_NOT_CALL)


def test_a_refusal_names_its_rule_and_no_number() -> None:
    refusal = rules.by_number(plan(number="919876500001"))
    assert str(refusal).startswith("number: ")
    assert "9876500001" not in str(refusal)
