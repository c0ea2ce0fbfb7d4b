"""Calling out, put together: who attends, and what must be configured."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mediasrv.carriers.base import Happening
from mediasrv.errors import ConfigError
from mediasrv.outbound.dialer import Dialer
from mediasrv.outbound.ledger import SCHEMA
from mediasrv.outbound.options import ComplianceOptions, OutboundOptions
from mediasrv.outbound.order import State
from mediasrv.outbound.outbound import Lock, Outbound
from mediasrv.outbound.request import DialRequest
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import Records
from tests.outbound.support import LANDLINE, LENIENT, MOBILE, Carrier, Office, told
from tests.patience import WAIT_S

URL = "https://voice.example.in"


def outbound(records: Records, carrier: Any, **options: Any) -> Outbound:
    given = {"from_number": LANDLINE, **options}
    url = given.pop("public_url", URL)
    rules = ComplianceOptions(**LENIENT)
    return Outbound(OutboundOptions(**given), rules, carrier, url, records.database, records.suppressions)


def records_in(folder: Path) -> Records:
    return Records(folder / "records.db", RecordsOptions(), SCHEMA)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"public_url": ""}, "public_url"),
        ({"from_number": "0123"}, "from_number"),
        ({"promotional_from_number": "140"}, "promotional_from_number"),
        ({"concurrency": 0}, "concurrency"),
        ({"calls_per_second": -1.0}, "calls_per_second"),
        ({"retry_on": ("rain",)}, "retry_on"),
    ],
)
def test_what_lacks_or_is_wrong_is_named(tmp_path: Path, options: dict[str, Any], word: str) -> None:
    with pytest.raises(ConfigError, match=word):
        outbound(records_in(tmp_path), Carrier(), **options)


def test_the_pace_follows_the_concurrency_unless_it_is_given() -> None:
    assert OutboundOptions().pace_per_s == 2.0
    assert OutboundOptions(concurrency=100).pace_per_s == 4.0
    assert OutboundOptions(calls_per_second=1.5).pace_per_s == 1.5


async def test_one_process_attends_and_the_others_leave_what_they_hear(tmp_path: Path) -> None:
    """Two servers with the same records: the carrier's words reach the one that did not place the call."""
    first, second = records_in(tmp_path), records_in(tmp_path)
    await first.start()
    await second.start()
    carrier, idle = Carrier(), Carrier()
    mine, other = outbound(first, carrier), outbound(second, idle)
    dialer, helper = mine.dialer(Office()), other.dialer(Office())
    try:
        assert not mine.is_attended()
        await dialer.start()
        order_id = await other.dialer(Office()).dial(DialRequest(number=MOBILE))
        await until(dialer, order_id, State.PLACED)
        assert other.is_attended()
        await helper.start()
        other.on_webhook(told(Happening.RINGING), carrier.tag())
        other.on_webhook(told(Happening.RINGING), "")
        await until(dialer, order_id, State.RINGING)
        await mine.aclose()
        await mine.aclose()
        other.on_webhook(told(Happening.ENDED, "Normal Hangup"), carrier.tag())
        await until(helper, order_id, State.ENDED)
        assert (len(carrier.orders), len(idle.orders)) == (1, 0)
    finally:
        await mine.aclose()
        await other.aclose()
        await first.aclose()
        await second.aclose()


async def until(dialer: Dialer, order_id: str, state: State) -> None:
    async with asyncio.timeout(WAIT_S):
        while await state_of(dialer, order_id) is not state:  # noqa: ASYNC110  # only the records can tell
            await asyncio.sleep(0.05)


async def state_of(dialer: Dialer, order_id: str) -> State | None:
    standing = await dialer.standing(order_id)
    return standing.state if standing else None


def test_a_lock_ends_with_its_process(tmp_path: Path) -> None:
    records = tmp_path / "records.db"
    code = (
        "import sys, pathlib; from mediasrv.outbound.outbound import Lock;"
        "print(Lock(pathlib.Path(sys.argv[1])).take(), flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(records)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "True\n"
    lock = Lock(records)
    assert not lock.take()
    holder.kill()
    holder.communicate(timeout=WAIT_S)
    assert lock.take()
    assert lock.take()
    lock.give_back()
    lock.give_back()


def test_a_lock_that_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lock cannot be made"):
        Lock(tmp_path / "nowhere" / "records.db").take()
