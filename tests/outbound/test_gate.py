"""The gate with real records, files and a service that is asked."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from mediasrv.errors import ConfigError, RecordsError
from mediasrv.outbound.ledger import Ledger
from mediasrv.outbound.options import ComplianceOptions
from mediasrv.outbound.order import Order, Standing, State
from mediasrv.outbound.rules import Listing, Plan, Rule
from mediasrv.records.consents import ConsentRecord, Consents
from mediasrv.records.keyring import Keyring
from mediasrv.records.suppressions import Suppressions
from tests.outbound.support import (
    ANY_HOUR,
    LANDLINE,
    LENIENT,
    MOBILE,
    PROMOTIONAL_LINE,
    ThreadlessDatabase,
    at,
    gate_with,
)

NOON = at("12:00")
OTHER = "+919876500002"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[ThreadlessDatabase]:
    database = ThreadlessDatabase(tmp_path / "records.db")
    yield database
    database.close()


async def rule(
    database: ThreadlessDatabase, now_s: float = NOON, plan: dict[str, Any] | None = None, **options: Any
) -> str:
    """The rule that forbids a call; empty when none does."""
    gate = gate_with(database, **options)
    wanted = Plan(**{"number": MOBILE, "from_number": LANDLINE, "purpose": "transactional", **(plan or {})})
    try:
        refusal = await gate.check(wanted, now_s)
    finally:
        await gate.aclose()
    return refusal.rule.value if refusal else ""


async def test_by_itself_the_gate_is_shut(database: ThreadlessDatabase) -> None:
    assert await rule(database) == "consent"
    assert await rule(database, plan={"purpose": "promotional", "from_number": PROMOTIONAL_LINE}) == "consent"
    assert await rule(database, at("22:00")) == "calling window"


async def test_each_rule_is_asked_and_each_refusal_counted(database: ThreadlessDatabase) -> None:
    counted: list[str] = []
    gate = gate_with(database, counted.append, consent_required_for=())
    for number, purpose, shown in (
        ("nobody", "service", LANDLINE),
        (MOBILE, "spam", LANDLINE),
        (MOBILE, "promotional", LANDLINE),
        (MOBILE, "promotional", PROMOTIONAL_LINE),
        (MOBILE, "service", LANDLINE),
    ):
        await gate.check(Plan(number=number, from_number=shown, purpose=purpose), NOON)
    await gate.aclose()
    assert counted == [each.value for each in (Rule.NUMBER, Rule.PURPOSE, Rule.SERIES, Rule.DO_NOT_CALL)]


async def test_who_is_suppressed_is_not_called(database: ThreadlessDatabase) -> None:
    await Suppressions(database, Keyring(bytes(32))).add(MOBILE, "speech")
    assert await rule(database, **LENIENT) == "suppression list"
    assert await rule(database, plan={"number": OTHER}, **LENIENT) == ""


async def test_a_consent_on_record_lets_pass_until_it_expires(database: ThreadlessDatabase) -> None:
    await Consents(database).add(ConsentRecord(MOBILE, "transactional", NOON - 10, NOON + 10, "form 7"))
    assert await rule(database, **ANY_HOUR) == ""
    assert await rule(database, NOON + 10, **ANY_HOUR) == "consent"
    assert await rule(database, plan={"purpose": "service"}, **ANY_HOUR) == "consent"


async def test_calls_are_counted_over_all_orders(database: ThreadlessDatabase) -> None:
    ledger = Ledger(database)
    for place in range(3):
        plan = Plan(number=MOBILE, from_number=LANDLINE, purpose="service")
        order = Order(id=f"o{place}", plan=plan, agent="default", ordered_s=NOON)
        await ledger.add(order)
        placing = Standing(state=State.PLACING, serial=1, calls=1, since_s=NOON + place, placed_s=NOON + place)
        assert await ledger.claim(order, Standing(), placing)
        ledger.keep(order, placing, Standing(state=State.ENDED, serial=1, calls=1, since_s=NOON + place))
    assert await rule(database, NOON + 60, **{**LENIENT, "most_calls": 3}) == "attempt cap"
    assert await rule(database, NOON + 86_401, **{**LENIENT, "most_calls": 3}) == ""


async def test_records_that_cannot_be_read_let_nobody_pass(database: ThreadlessDatabase) -> None:
    database.trouble_with = RecordsError("the disk is gone")
    with pytest.raises(RecordsError):
        await rule(database, **LENIENT)


# -- files -------------------------------------------------------------------------------------------------------------


async def test_a_list_is_read_again_when_it_changes(database: ThreadlessDatabase, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"# ours\n{OTHER}  # since May\n\n")
    gate = gate_with(database, **LENIENT, do_not_call_file=str(path))
    plan = Plan(number=MOBILE, from_number=LANDLINE, purpose="service")
    assert await gate.check(plan, NOON) is None
    path.write_text(f"{OTHER}\n+91 98765 00001\n")
    refusal = await gate.check(plan, NOON)
    await gate.aclose()
    assert refusal is not None
    assert refusal.rule is Rule.DO_NOT_CALL
    assert MOBILE not in str(refusal)


@pytest.mark.parametrize("content", [b"9876500001\n", b"+919876500002\nnobody\n", b"\xff\xfe\x00"])
async def test_a_list_with_a_line_that_nobody_can_read_protects_everybody(
    database: ThreadlessDatabase, tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    assert await rule(database, **LENIENT, do_not_call_file=str(path)) == "do-not-call list"
    assert "98765" not in caplog.text


async def test_a_list_that_is_not_there_protects_everybody(database: ThreadlessDatabase, tmp_path: Path) -> None:
    assert await rule(database, **LENIENT, do_not_call_file=str(tmp_path / "gone")) == "do-not-call list"


async def test_consents_may_stand_in_a_file(database: ThreadlessDatabase, tmp_path: Path) -> None:
    path = tmp_path / "consents.csv"
    path.write_text(
        "number, purpose, granted, source, expires\n"
        f"{MOBILE}, transactional, 2026-11-01, form 7,\n"
        f"{OTHER}, transactional, 2026-01-01T00:00:00+05:30, form 8, 2026-06-30\n"
    )
    assert await rule(database, **ANY_HOUR, consent_file=str(path)) == ""
    assert await rule(database, plan={"number": OTHER}, **ANY_HOUR, consent_file=str(path)) == "consent"
    late = NOON + 180 * 86_400
    assert await rule(database, late, **ANY_HOUR, consent_file=str(path)) == "consent"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "number,purpose\n",
        f"number,purpose,granted\n{MOBILE},spam,2026-11-01\n",
        f"number,purpose,granted\n{MOBILE},transactional,yesterday\n",
        "number,purpose,granted\n9876500001,transactional,2026-11-01\n",
        f"number,purpose,granted\n{MOBILE}\n",
        f"number,purpose,granted\n{MOBILE},transactional,{'x' * 200_000}\n",
    ],
)
async def test_a_file_of_consents_that_nobody_can_read_is_none(
    database: ThreadlessDatabase, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "consents.csv"
    path.write_text(content)
    assert await rule(database, **ANY_HOUR, consent_file=str(path)) == "consent"


async def test_a_file_that_comes_back_is_read(database: ThreadlessDatabase, tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    gate = gate_with(database, **LENIENT, do_not_call_file=str(path))
    plan = Plan(number=MOBILE, from_number=LANDLINE, purpose="service")
    assert await gate.check(plan, NOON) is not None
    path.write_text(f"{OTHER}\n")
    os.utime(path, (NOON, NOON))
    assert await gate.check(plan, NOON) is None
    await gate.aclose()


# -- a service ---------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def service(*answers: Any) -> AsyncIterator[tuple[str, list[Any]]]:
    """Answers one after the other, the last one for ever: a JSON value, a response, or seconds to keep silent."""
    asked: list[Any] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(await request.json())
        told = answers[min(len(asked), len(answers)) - 1]
        if isinstance(told, float):
            await asyncio.sleep(told)
        return told if isinstance(told, web.Response) else web.json_response(told)

    app = web.Application()
    app.router.add_post("/list", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/list", asked
    finally:
        await runner.cleanup()


async def test_a_service_is_asked_and_its_answer_kept_with_its_time(database: ThreadlessDatabase) -> None:
    async with service({"listed": False}, {"listed": True}) as (url, asked):
        assert await rule(database, **LENIENT, do_not_call_url=url) == ""
        assert await rule(database, NOON + 1, **LENIENT, do_not_call_url=url) == "do-not-call list"
    assert asked == [{"number": MOBILE}] * 2
    kept = [tuple(row) for row in await database.read("SELECT * FROM outbound_listings ORDER BY asked_s")]
    assert kept == [(MOBILE, NOON, Listing.CLEAR.value), (MOBILE, NOON + 1, Listing.LISTED.value)]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        {"listed": "no"},
        {"listed": 0},
        {"listed": None},
        5.0,
        web.Response(text="<html>"),
        web.Response(status=500, text='{"listed": false}'),
        web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"}),
        web.Response(body=b'{"listed": false' + b" " * 100_000 + b"}"),
    ],
)
async def test_a_service_that_does_not_answer_refuses(database: ThreadlessDatabase, answer: Any) -> None:
    async with service(answer) as (url, _):
        refused = await rule(database, **LENIENT, do_not_call_url=url, do_not_call_timeout_s=0.5)
    assert refused == "do-not-call list"


async def test_a_service_that_is_not_there_refuses(database: ThreadlessDatabase) -> None:
    assert await rule(database, **LENIENT, do_not_call_url="http://127.0.0.1:1/list") == "do-not-call list"


# -- options -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {"window_start": "nine"},
        {"window_start": "21:00", "window_end": "09:00"},
        {"window_start": "09:00+05:30"},
        {"most_calls": 0},
        {"consent_days": 0},
        {"do_not_call_timeout_s": 0.0},
        {"consent_required_for": ("spam",)},
        {"do_not_call_required_for": ("spam",)},
    ],
)
def test_options_that_make_no_sense_are_said(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options)) if "window" not in next(iter(options)) else "window"):
        ComplianceOptions(**options)


def test_a_url_that_is_none_is_said(database: ThreadlessDatabase) -> None:
    with pytest.raises(ConfigError, match="is no URL"):
        gate_with(database, do_not_call_url="list.example")
