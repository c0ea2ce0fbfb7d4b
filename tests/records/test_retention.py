"""What is past its time goes; what is not stays."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediasrv.records import retention as retentions
from mediasrv.records.archive import Wanted
from mediasrv.records.connection import Schema
from mediasrv.records.consents import ConsentRecord
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import SCHEMAS, Records
from mediasrv.records.retention import Retention, end_lost_calls
from tests.patience import WAIT_S, until
from tests.records.stage import CALLER, converse, kept

DAY_S = 86_400.0


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retentions, "PAUSE_S", 0.0)


async def age(records: Records, call_id: str, days: float) -> None:
    """Make a call as old as this."""
    await records.database.flush()
    s = days * DAY_S
    for table, column in (
        ("calls", "started_s"),
        ("calls", "ended_s"),
        ("transcript", "at_s"),
        ("recordings", "began_s"),
    ):
        key = "id" if table == "calls" else "call_id"
        await records.database.write(f"UPDATE {table} SET {column} = ? WHERE {key} = ?", (time.time() - s, call_id))


async def test_each_class_of_data_goes_in_its_time(tmp_path: Path) -> None:
    options = RecordsOptions(
        retain_transcripts_days=10, retain_recordings_days=20, retain_calls_days=30, retain_consents_days=5
    )
    now_s = time.time()
    async with kept(tmp_path, options) as records:
        for days in (9, 11, 21, 31):
            (tmp_path / f"{days}.sealed").touch()
            converse(records, f"{days} days", recording=tmp_path / f"{days}.sealed")
            await age(records, f"{days} days", days)
        await records.consents.add(ConsentRecord(CALLER, "service", 1.0, now_s - 6 * DAY_S))
        await records.consents.add(ConsentRecord(CALLER, "service", 2.0, now_s - 4 * DAY_S))
        await records.suppressions.add(CALLER, "speech")
        swept = await Retention(records.database, SCHEMAS, options).sweep(now_s)
        assert await Retention(records.database, SCHEMAS, options).sweep(now_s) == 0
        calls = [await records.archive.call(call["id"]) for call in await records.archive.calls(Wanted())]
        left = {
            call["id"]: (bool(call["transcript"]), bool(call["body"]), bool(call["recordings"]), len(call["turns"]))
            for call in calls
            if call
        }
        assert [consent.granted_s for consent in await records.consents.of(CALLER)] == [2.0]
        assert await records.suppressions.holds(CALLER)
    assert left == {
        "9 days": (True, True, True, 1),
        "11 days": (False, False, True, 1),
        "21 days": (False, False, False, 1),
    }
    assert {name for name in os.listdir(tmp_path) if name.endswith(".sealed")} == {"11.sealed", "9.sealed"}
    assert swept == 12 + 3 + 2 + 1 + 1


async def test_without_a_limit_everything_stays(tmp_path: Path) -> None:
    options = RecordsOptions(
        retain_transcripts_days=0, retain_recordings_days=0, retain_calls_days=0, retain_consents_days=0
    )
    async with kept(tmp_path, options) as records:
        converse(records, "old")
        await age(records, "old", 9999)
        assert await Retention(records.database, SCHEMAS, options).sweep(time.time()) == 0
        assert await records.archive.call("old") is not None


async def test_recordings_that_no_row_knows_of_go_by_their_age(tmp_path: Path) -> None:
    old, new, other = tmp_path / "old.sealed", tmp_path / "new.sealed", tmp_path / "old.txt"
    for path in (old, new, other):
        path.touch()
    for path in (old, other):
        os.utime(path, (1.0, 1.0))
    async with kept(tmp_path) as records:
        assert await Retention(records.database, SCHEMAS, RecordsOptions(), [tmp_path]).sweep(time.time()) == 1
    assert (old.exists(), new.exists(), other.exists()) == (False, True, True)


async def test_rows_go_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retentions, "MOST_ROWS", 2)
    fruits = Schema(
        "fruits",
        steps=(("CREATE TABLE fruits (picked_s REAL)",),),
        expire={
            "calls": (
                "DELETE FROM fruits WHERE rowid IN (SELECT rowid FROM fruits WHERE picked_s < :before LIMIT :most)",
            )
        },
    )
    records = Records(tmp_path / "records.db", RecordsOptions(), fruits)
    await records.start()
    for _ in range(5):
        records.database.note("INSERT INTO fruits VALUES (1.0)")
    await records.database.flush()
    assert await Retention(records.database, (fruits,), RecordsOptions()).sweep(time.time()) == 5
    await records.aclose()


async def test_the_server_sweeps_by_itself_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retentions, "EVERY_S", 0.01)
    async with kept(tmp_path) as records:
        records.attend()
        for name in ("first", "second"):
            converse(records, name)
            await age(records, name, 9999)
            async with asyncio.timeout(WAIT_S):
                while await records.archive.call(name) is not None:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)


async def test_trouble_stops_no_later_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retentions, "EVERY_S", 0.01)
    (tmp_path / "records.db").mkdir()
    async with kept(tmp_path) as records:
        records.attend()
        await until(lambda: caplog.text.count("records could not be swept") > 1)


@pytest.fixture
def processes() -> Iterator[tuple[int, int]]:
    """Numbers of a process that is gone, and of one that is there."""
    with subprocess.Popen(["true"]) as gone, subprocess.Popen(["sleep", "60"]) as other:
        gone.wait(timeout=WAIT_S)
        yield gone.pid, other.pid
        other.kill()


async def test_calls_of_a_server_that_was_killed_are_ended_by_the_next(
    tmp_path: Path, processes: tuple[int, int]
) -> None:
    gone, other = processes
    async with kept(tmp_path) as records:
        for name, process in (("gone", gone), ("other", other), ("before", os.getpid()), ("ours", os.getpid())):
            converse(records, name, ends=False)
            await records.database.flush()
            await records.database.write("UPDATE calls SET process = ? WHERE id = ?", (process, name))
        converse(records, "over")
        await records.database.flush()
        await records.database.write("UPDATE calls SET started_s = 1.0 WHERE id = 'before'")
        began_s = time.time() - DAY_S
        await records.database.transact(lambda connection: end_lost_calls(connection, began_s))
        causes = {call["id"]: call["cause"] for call in await records.archive.calls(Wanted())}
        lost = await records.archive.call("gone")
    killed = "server was lost"
    assert causes == {"gone": killed, "other": None, "before": killed, "ours": None, "over": "caller hung up"}
    assert lost is not None
    assert lost["ended"] == max([words["at"] for words in lost["transcript"]] + [lost["turns"][0]["heard"]])
