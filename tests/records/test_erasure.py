"""After an erasure no row and no file holds the number."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.call.link import CallDetails
from mediasrv.errors import RecordsError
from mediasrv.outbound.ledger import SCHEMA as OUTBOUND
from mediasrv.records.archive import Wanted
from mediasrv.records.consents import ConsentRecord
from mediasrv.records.erasure import Erased
from mediasrv.records.options import RecordsOptions
from mediasrv.records.recordingfiles import CAPTURE_SUFFIX
from mediasrv.records.records import Records
from mediasrv.records.sealed import Sealer
from tests.records.stage import CALLER, OURS, converse, kept

OTHER = "+919899999999"


def record(folder: Path, name: str, call_id: str) -> Path:
    """A sealed recording of a call."""
    path = folder / f"{name}.sealed"
    sealer = Sealer(b"k" * 32, orjson.dumps({"call": call_id, "encoding": "audio/x-mulaw", "rate_hz": 8000}))
    path.write_bytes(sealer.beginning + sealer.seal(b"audio", is_last=True))
    return path


def held(folder: Path, number: str) -> list[str]:
    """Files that hold a number's digits, whatever they are."""
    return [
        path.name for path in sorted(folder.rglob("*")) if path.is_file() and number[1:].encode() in path.read_bytes()
    ]


async def test_all_of_a_number_goes_and_nothing_of_another(tmp_path: Path) -> None:
    ours = record(tmp_path, "known", "call-1")
    unknown = record(tmp_path, "unknown", "call-1")
    others = record(tmp_path, "others", "call-2")
    captures = tmp_path / "captures"
    captures.mkdir()
    captured = record(captures, "captured", "call-1").rename(captures / f"captured{CAPTURE_SUFFIX}")
    (tmp_path / "broken.sealed").write_bytes(b"nothing of ours")
    async with kept(tmp_path, recording_folders=[tmp_path], capture_folders=[captures]) as records:
        converse(records, "call-1", recording=ours)
        converse(records, "call-2", caller=OTHER, recording=others)
        records.chronicle.said("call-2", "caller", f"call my friend at {CALLER[1:]}", 9.0, turn=7)
        records.chronicle.began("call-3", "s", "support", CallDetails("plivo", OTHER, OURS, {"friend": CALLER}))
        records.database.note(
            "INSERT INTO recordings VALUES ('https://media.example/1.wav', 'call-1', 'carrier', 1, 1, 1, '')"
        )
        await records.consents.add(ConsentRecord(CALLER, "service", 1.0, 2.0))
        await records.suppressions.add(CALLER, "speech", "call-1")
        erased = await records.eraser.erase(CALLER)
        assert await records.suppressions.holds(CALLER)
        assert await records.archive.call("call-1") is None
        other = await records.archive.call("call-2")
        (tombstone,) = await records.database.read("SELECT * FROM tombstones")
        assert held(tmp_path, CALLER) == []
    assert erased == Erased(
        counts={"recordings": 3, "calls": 3, "consents": 1, "suppressions": 1},
        live_calls=0,
        deleted_elsewhere=0,
        places_later={},
        places_elsewhere=["https://media.example/1.wav"],
        is_scrubbed=True,
    )
    assert orjson.loads(tombstone["counts"]) == erased.counts
    assert len(tombstone["hash"]) == 64
    assert other is not None
    assert other["transcript"][-1]["text"] == "call my friend at …"
    assert (ours.exists(), unknown.exists(), captured.exists(), others.exists()) == (False, False, False, True)
    assert held(tmp_path, OTHER) == ["records.db"]


async def test_a_live_call_is_told_and_writes_nothing_more(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1", ends=False)
        await records.database.flush()
        assert (await records.eraser.erase(CALLER)).live_calls == 1
        records.chronicle.said("call-1", "caller", "I am still here", 9.0, turn=3)
        records.chronicle.ended("call-1", "caller hung up")
        await records.database.flush()
        assert await records.archive.call("call-1") is None
        assert await records.database.read("SELECT * FROM transcript") == []


async def test_erasing_twice_is_no_harm_and_leaves_two_tombstones(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        for _ in range(2):
            await records.database.flush()
            await records.eraser.erase(CALLER)
        tombstones = await records.database.read("SELECT DISTINCT hash FROM tombstones")
        assert len(tombstones) == 1


async def test_another_process_erases_while_the_server_writes(tmp_path: Path) -> None:
    async with kept(tmp_path) as server, kept(tmp_path) as other:
        converse(server, "call-1")
        await server.database.flush()
        writing = asyncio.create_task(_go_on(server))
        await other.eraser.erase(CALLER)
        await writing
        assert await server.archive.call("call-1") is None
        assert len(await server.archive.calls(_all())) == 50
        assert server.database.lost == 0
        assert held(tmp_path, CALLER) == []


async def _go_on(server: Records) -> None:
    for number in range(50):
        converse(server, f"later-{number}", caller=OTHER)
        await server.database.flush()


def _all() -> Wanted:
    return Wanted(most=500)


async def test_a_reader_may_hold_the_log_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediasrv.records.erasure.SCRUB_EVERY_S", 0.01)
    monkeypatch.setattr("mediasrv.records.connection._PRAGMAS", ("PRAGMA busy_timeout = 10",))
    async with kept(tmp_path) as records:
        converse(records, "call-1")
        await records.database.flush()
        reader = sqlite3.connect(tmp_path / "records.db", isolation_level=None)
        reader.execute("PRAGMA journal_mode = WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM calls").fetchone()
        assert not (await records.eraser.erase(CALLER)).is_scrubbed
        reader.close()
        assert (await records.eraser.erase(CALLER)).is_scrubbed


async def test_a_recording_that_cannot_be_deleted_leaves_the_rows_that_know_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "a folder.sealed"
    folder.mkdir()
    async with kept(tmp_path) as records:
        converse(records, "call-1", recording=folder)
        await records.database.flush()
        with pytest.raises(RecordsError, match="recording cannot be deleted"):
            await records.eraser.erase(CALLER)
        assert await records.archive.call("call-1") is not None


NUMBERS = st.from_regex(r"\+91[6-9][0-9]{9}", fullmatch=True)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=25)
@given(
    number=NUMBERS,
    calls=st.lists(st.tuples(st.booleans(), st.booleans(), TEXTS, TEXTS), min_size=1, max_size=5),
    other=NUMBERS,
)
def test_after_an_erasure_no_row_and_no_file_holds_the_number(
    number: str, calls: list[tuple[bool, bool, str, str]], other: str
) -> None:
    async def play(folder: Path) -> list[str]:
        async with kept(folder, recording_folders=[folder]) as records:
            for place, (calls_us, names_himself, before, after) in enumerate(calls):
                call_id = f"call-{place}"
                pair = (number, other) if calls_us else (other, number)
                words = f"{before}{number}{after}" if names_himself else before
                records.chronicle.began(call_id, "s", "a", CallDetails("plivo", *pair, {"said": words}))
                records.chronicle.said(call_id, "caller", words, 1.0, turn=1)
                records.chronicle.began(f"other-{place}", "s", "a", CallDetails("plivo", other, OURS, {"said": words}))
                records.chronicle.said(f"other-{place}", "caller", words, 1.0, turn=1)
                record(folder, call_id, call_id)
            await records.suppressions.add(number, "speech", "call-0")
            await records.consents.add(ConsentRecord(number, "service", 1.0, 2.0, "web"))
            await records.database.flush()
            await records.eraser.erase(number)
            found = held(folder, number)
            if other != number:
                assert len(await records.archive.calls(_all())) == len(calls)
        return found + held(folder, number)

    with TemporaryDirectory() as folder:
        assert asyncio.run(play(Path(folder))) == []


async def test_no_table_of_any_store_is_forgotten(tmp_path: Path) -> None:
    """Whatever column of whatever table a number, or words, may stand in, nothing of it is there afterwards."""
    digits = CALLER[1:]
    holders = {"number": CALLER, "from_number": CALLER, "to_number": CALLER, "party": CALLER}
    holders |= {"text": f"it is {digits}", "body": f'{{"friend": "{CALLER}"}}', "call_id": "call-1"}
    records = Records(tmp_path / "records.db", RecordsOptions(), OUTBOUND)
    await records.start()
    tables = [row["name"] for row in await records.database.read("SELECT name FROM sqlite_master WHERE type = 'table'")]
    filled = []
    for table in sorted(set(tables) - {"schemas", "tombstones"}):
        columns = [row["name"] for row in await records.database.read(f"PRAGMA table_info({table})")]
        row = {name: holders.get(name, "call-1" if (table, name) == ("calls", "id") else 1) for name in columns}
        statement = f"INSERT INTO {table} VALUES ({', '.join(f':{name}' for name in columns)})"
        await records.database.write(statement, row)
        filled += [table] * (digits in str(row))
    assert {"calls", "legs", "transcript", "consents", "suppressions", "outbound_orders"} <= set(filled)
    await records.eraser.erase(CALLER)
    left = {table: await records.database.read(f"SELECT * FROM {table}") for table in filled}
    assert held(tmp_path, CALLER) == []
    assert {table for table, rows in left.items() if rows} == {"suppressions"}
    await records.aclose()
    assert held(tmp_path, CALLER) == []
