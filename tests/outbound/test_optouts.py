"""Who asks in a call not to be called again is on the list when the call is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mediasrv.call.link import CallDetails
from mediasrv.errors import RecordsError
from mediasrv.outbound import optouts
from mediasrv.outbound.optouts import OptOuts
from mediasrv.records.keyring import Keyring
from mediasrv.records.suppressions import Suppressions
from tests.outbound.support import LANDLINE, MOBILE, ThreadlessDatabase
from tests.patience import WAIT_S


@pytest.mark.parametrize(("direction", "suppressed"), [("outbound", MOBILE), ("inbound", LANDLINE)])
async def test_the_other_side_is_written_down(tmp_path: Path, direction: str, suppressed: str) -> None:
    database = ThreadlessDatabase(tmp_path / "records.db")
    suppressions = Suppressions(database, Keyring(bytes(32)))
    opt_outs = OptOuts(suppressions)
    opt_outs.began("c1", "s1", "default", CallDetails("plivo", LANDLINE, MOBILE, direction=direction))
    opt_outs.opted_out("c1", "speech")
    opt_outs.ended("c1", "opted out")
    await opt_outs.aclose()
    await opt_outs.aclose()
    assert await suppressions.holds(suppressed)
    assert [row["call_id"] for row in await database.read("SELECT call_id FROM suppressions")] == ["c1"]
    database.close()


async def test_a_disk_that_is_full_for_a_while_loses_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optouts, "AGAIN_S", 0.01)
    database = ThreadlessDatabase(tmp_path / "records.db")
    suppressions = Suppressions(database, Keyring(bytes(32)))
    opt_outs = OptOuts(suppressions)
    opt_outs.began("c1", "s1", "default", CallDetails("plivo", LANDLINE, MOBILE, direction="outbound"))
    database.trouble_with = RecordsError("the disk is full")
    opt_outs.opted_out("c1", "dtmf")
    await asyncio.sleep(0.05)
    database.trouble_with = None
    async with asyncio.timeout(WAIT_S):
        while not await suppressions.holds(MOBILE):  # noqa: ASYNC110  # only the records can tell
            await asyncio.sleep(0.01)
    await opt_outs.aclose()
    database.close()


async def test_a_number_that_nobody_knows_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    database = ThreadlessDatabase(tmp_path / "records.db")
    opt_outs = OptOuts(Suppressions(database, Keyring(bytes(32))))
    opt_outs.began("c1", "s1", "default", CallDetails("plivo", "sip:bob@example.com", LANDLINE))
    opt_outs.opted_out("c1", "speech")
    assert "number is not known" in caplog.text
    await opt_outs.aclose()
    database.close()
