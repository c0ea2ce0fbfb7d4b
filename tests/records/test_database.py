"""Real files, real kills, a disk that is really full."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mediasrv.errors import ConfigError, RecordsError
from mediasrv.records import connection as connections
from mediasrv.records import database as databases
from mediasrv.records import writer as writers
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database
from tests.patience import WAIT_S, until

FRUITS = Schema("fruits", steps=(("CREATE TABLE fruits (name TEXT PRIMARY KEY, juice BLOB)",),))
PICK = "INSERT INTO fruits (name) VALUES (?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fruits.db"


@pytest.fixture
async def database(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Database]:
    monkeypatch.setattr(writers, "RETRY_S", 0.02)
    database = Database(path, (FRUITS,))
    await database.start()
    yield database
    await database.aclose()


async def names(database: Database) -> list[str]:
    return [row["name"] for row in await database.read("SELECT name FROM fruits ORDER BY name")]


@asynccontextmanager
async def busy(database: Database) -> AsyncIterator[None]:
    """Its thread works on something until the end of this."""
    begun, over = threading.Event(), threading.Event()

    def work(_: object) -> None:
        begun.set()
        over.wait(WAIT_S)

    working = asyncio.create_task(database.transact(work))
    await until(begun.is_set)
    try:
        yield
    finally:
        over.set()
        await working


async def test_what_is_noted_is_written_soon(database: Database) -> None:
    database.note(PICK, ("apple",))
    async with asyncio.timeout(WAIT_S):
        while await names(database) != ["apple"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_write_follows_the_notes_before_it_and_counts_its_rows(database: Database) -> None:
    database.note(PICK, ("apple",))
    assert await database.write("UPDATE fruits SET name = :new WHERE name = :old", {"old": "apple", "new": "pear"}) == 1
    assert await database.write("DELETE FROM fruits WHERE name = 'apple'") == 0
    assert await names(database) == ["pear"]


async def test_the_file_is_for_its_owner_alone(database: Database, path: Path) -> None:
    assert await asyncio.to_thread(lambda: path.stat().st_mode & 0o077) == 0


async def test_closing_writes_what_waits(path: Path) -> None:
    database = Database(path, (FRUITS,))
    await database.start()
    for number in range(1234):
        database.note(PICK, (str(number),))
    await database.aclose()
    await database.aclose()
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT count(*) FROM fruits").fetchone() == (1234,)


async def test_a_note_at_fault_takes_no_other_with_it(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    for name in ("apple", "apple", "apple", "pear", "a secret \ud800"):
        database.note(PICK, (name,))
    database.note("INSERT INTO nowhere VALUES (?)", ("+919812345678",))
    await database.flush()
    assert await names(database) == ["apple", "pear"]
    assert database.lost == 4
    assert [record.message for record in caplog.records] == ["record refused"] * 2
    assert "secret" not in caplog.text
    assert "98123" not in str([vars(record) for record in caplog.records])


async def test_a_write_that_the_schema_refuses_raises_and_takes_no_other_with_it(database: Database) -> None:
    good = asyncio.create_task(database.write(PICK, ("apple",)))
    bad = asyncio.create_task(database.write(PICK, ("apple",)))
    assert await good == 1
    with pytest.raises(RecordsError, match="refuse"):
        await bad
    assert await names(database) == ["apple"]


async def test_a_transaction_is_whole_or_not_at_all(database: Database) -> None:
    def pick_two(connection: sqlite3.Connection) -> str:
        connection.execute(PICK, ("apple",))
        connection.execute(PICK, ("pear",))
        return "two"

    def pick_none(connection: sqlite3.Connection) -> None:
        connection.execute(PICK, ("plum",))
        raise LookupError("there is no basket")

    assert await database.transact(pick_two) == "two"
    with pytest.raises(LookupError):
        await database.transact(pick_none)
    assert await names(database) == ["apple", "pear"]


async def test_a_write_given_up_before_its_turn_is_never_made(database: Database) -> None:
    async with busy(database):
        given_up = asyncio.create_task(database.write(PICK, ("apple",)))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    await database.flush()
    assert await names(database) == []


async def test_a_write_is_awaited_for_so_long(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "WRITE_WITHIN_S", 0.05)
    with pytest.raises(RecordsError, match="in time"):
        await database.transact(lambda _: time.sleep(0.2))


async def test_a_question_without_an_end_is_interrupted(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "READ_WITHIN_S", 0.1)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with pytest.raises(RecordsError, match="in time"):
        await database.read(endless)
    monkeypatch.undo()
    assert await names(database) == []


async def test_nobody_writes_through_a_question(database: Database) -> None:
    with pytest.raises(RecordsError, match="readonly"):
        await database.read("DELETE FROM fruits")
    with pytest.raises(RecordsError, match="no such table"):
        await database.read("SELECT * FROM nowhere")


async def test_a_reader_gets_no_more_rows_than_it_can_hold(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(databases, "MAX_ROWS", 2)
    for name in "abc":
        database.note(PICK, (name,))
    await database.flush()
    assert await names(database) == ["a", "b"]


async def test_what_is_deleted_is_nowhere_in_the_file(database: Database, path: Path) -> None:
    await database.write(PICK, ("pomegranate",))
    await database.write("DELETE FROM fruits")
    await database.aclose()
    assert b"pomegranate" not in await asyncio.to_thread(path.read_bytes)


async def test_a_newer_program_takes_the_steps_that_are_missing(path: Path) -> None:
    for steps in (FRUITS.steps, (*FRUITS.steps, ("ALTER TABLE fruits ADD COLUMN colour TEXT DEFAULT 'red'",))):
        database = Database(path, (Schema("fruits", steps),))
        await database.start()
        await database.write("INSERT OR IGNORE INTO fruits (name) VALUES ('apple')")
        rows = await database.read("SELECT * FROM fruits")
        await database.aclose()
    assert dict(rows[0]) == {"name": "apple", "juice": None, "colour": "red"}


async def test_an_older_program_leaves_the_file_alone(path: Path) -> None:
    newer = Database(path, (Schema("fruits", (*FRUITS.steps, ("CREATE TABLE kernels (name TEXT)",))),))
    await newer.start()
    await newer.aclose()
    older = Database(path, (FRUITS,))
    with pytest.raises(ConfigError, match="newer"):
        await older.start()
    await older.aclose()


async def test_a_step_that_fails_is_not_taken_by_half(path: Path) -> None:
    broken = Database(path, (Schema("fruits", (("CREATE TABLE fruits (name TEXT)", "CREATE nonsense"),)),))
    await broken.start()
    assert "syntax" in broken.trouble
    await broken.aclose()
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == []


async def test_a_folder_that_is_missing_is_the_operators_mistake(tmp_path: Path) -> None:
    database = Database(tmp_path / "nowhere" / "fruits.db", (FRUITS,))
    with pytest.raises(ConfigError, match="there is no folder"):
        await database.start()
    await database.aclose()


async def test_too_many_notes_are_lost_and_counted_and_said_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(writers, "MAX_NOTES", 10)
    async with busy(database):
        for number in range(15):
            database.note(PICK, (str(number),))
    await database.flush()
    assert len(await names(database)) == 10
    assert database.lost == 5
    assert [record.message for record in caplog.records] == ["records are lost"]


class Disk:
    """Holds the pages that a database may have."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connections: list[sqlite3.Connection] = []
        monkeypatch.setattr(writers, "connect", self._connect)

    def _connect(self, path: Path) -> sqlite3.Connection:
        self.connections.append(connections.connect(path))
        return self.connections[-1]

    def hold(self, pages: int) -> None:
        self.connections[-1].execute(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_fails_writes_keeps_notes_and_goes_on_when_there_is_room(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    disk = Disk(monkeypatch)
    monkeypatch.setattr(writers, "RETRY_S", 0.02)
    database = Database(path, (FRUITS,))
    await database.start()
    disk.hold(pages=20)
    juicy = "INSERT INTO fruits VALUES (?, zeroblob(5000))"
    for number in range(40):
        database.note(juicy, (f"{number:02}",))
    with pytest.raises(RecordsError, match="full"):
        await database.write(juicy, ("write",))
    assert "full" in database.trouble
    await until(lambda: len(caplog.records) == 1)
    disk.hold(pages=2000)
    await until(lambda: not database.trouble)
    assert await database.write(juicy, ("later",)) == 1
    assert await names(database) == [*(f"{number:02}" for number in range(40)), "later"]
    assert [row[0] for row in await database.read("PRAGMA integrity_check")] == ["ok"]
    assert [record.message for record in caplog.records] == ["records cannot be written", "records are written again"]
    assert database.lost == 0
    await database.aclose()


async def test_what_finds_no_room_until_the_end_is_counted(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    disk = Disk(monkeypatch)
    database = Database(path, (FRUITS,))
    await database.start()
    disk.hold(pages=10)
    for number in range(40):
        database.note("INSERT INTO fruits VALUES (?, zeroblob(5000))", (f"{number:02}",))
    await database.aclose()
    assert database.lost == 40
    assert [record.message for record in caplog.records] == ["records cannot be written", "records lost at the end"]


async def test_another_processes_lock_passes(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connections, "_PRAGMAS", ("PRAGMA busy_timeout = 20", *connections._PRAGMAS[1:]))
    monkeypatch.setattr(writers, "RETRY_S", 0.02)
    database = Database(path, (FRUITS,))
    await database.start()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    database.note(PICK, ("apple",))
    with pytest.raises(RecordsError, match="locked"):
        await database.write(PICK, ("pear",))
    other.execute("ROLLBACK")
    other.close()
    await until(lambda: not database.trouble)
    assert await names(database) == ["apple"]
    await database.aclose()


def make_garbage(path: Path) -> None:
    path.write_bytes(b"no database at all " * 500)


@pytest.mark.parametrize("spoil", [make_garbage, Path.mkdir], ids=["garbage", "unreadable"])
async def test_a_broken_file_stops_no_calls_and_is_tried_again(
    path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[Path], None]
) -> None:
    monkeypatch.setattr(writers, "RETRY_S", 0.02)
    spoil(path)
    database = Database(path, (FRUITS,))
    await database.start()
    assert database.trouble
    database.note(PICK, ("apple",))
    with pytest.raises(RecordsError, match="written"):
        await database.write(PICK, ("pear",))
    with pytest.raises(RecordsError, match="read"):
        await database.read("SELECT 1")
    await asyncio.to_thread(path.rename, path.with_suffix(".broken"))
    await until(lambda: not database.trouble)
    assert await names(database) == ["apple"]
    await database.aclose()


KILLED = """
import asyncio, sys, time
from pathlib import Path
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database

NOTES = Schema("notes", steps=(("CREATE TABLE notes (number INTEGER, noted REAL)",),))

async def note_for_ever():
    database = Database(Path(sys.argv[1]), (NOTES,))
    await database.start()
    for number in range(1_000_000):
        if number % 100 == 50:
            await database.write("INSERT INTO notes VALUES (?, ?)", (number, time.time()))
            print("durable", number, flush=True)
        else:
            database.note("INSERT INTO notes VALUES (?, ?)", (number, time.time()))
        await asyncio.sleep(0.001)

asyncio.run(note_for_ever())
"""


def test_a_kill_takes_no_more_than_the_last_second(path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(12):
            last_durable = int(process.stdout.readline().split()[1])
        os.kill(process.pid, signal.SIGKILL)
        killed = time.time()
        process.wait(timeout=WAIT_S)
    with sqlite3.connect(path) as file:
        numbers, noted = zip(*file.execute("SELECT number, noted FROM notes ORDER BY number"), strict=True)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert list(numbers) == list(range(len(numbers)))
    assert numbers[-1] >= last_durable
    assert killed - noted[-1] < 1.0


@pytest.mark.skipif(sys.platform != "linux", reason="a limit on the size of files")
def test_a_disk_that_is_really_full_is_survived(path: Path) -> None:
    program = """
import asyncio, resource, sys
from pathlib import Path
from mediasrv.errors import RecordsError
from mediasrv.records import writer
from mediasrv.records.connection import Schema
from mediasrv.records.database import Database

NOTES = Schema("notes", steps=(("CREATE TABLE notes (number INTEGER, juice BLOB)",),))
NOTE = "INSERT INTO notes VALUES (?, zeroblob(3000))"

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

async def main():
    writer.RETRY_S = 0.02
    database = Database(Path(sys.argv[1]), (NOTES,))
    await database.start()
    limit(100_000)
    for number in range(200):
        database.note(NOTE, (number,))
    try:
        await database.write(NOTE, (-1,))
    except RecordsError:
        print("full", flush=True)
    limit(resource.RLIM_INFINITY)
    while database.trouble:
        await asyncio.sleep(0.01)
    await database.write(NOTE, (200,))
    await database.aclose()

asyncio.run(asyncio.wait_for(main(), 30))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, path], capture_output=True, text=True, timeout=WAIT_S, check=True
    )
    assert done.stdout == "full\n"
    with sqlite3.connect(path) as file:
        assert [row[0] for row in file.execute("SELECT number FROM notes ORDER BY number")] == list(range(201))
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


async def test_scrubbing_leaves_nothing_of_what_was_deleted_in_the_log(database: Database, path: Path) -> None:
    log = path.with_name(f"{path.name}-wal")
    await database.write(PICK, ("pomegranate",))
    await database.write("DELETE FROM fruits")
    assert b"pomegranate" in await asyncio.to_thread(log.read_bytes)
    assert await database.scrub()
    assert b"pomegranate" not in await asyncio.to_thread(lambda: log.read_bytes() + path.read_bytes())


async def test_a_file_that_breaks_in_use_is_told_and_one_that_is_put_back_is_taken_up(
    database: Database, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    count = "SELECT count(*) FROM fruits WHERE length(juice) = 9000"
    for number in range(1000):
        database.note("INSERT INTO fruits VALUES (?, zeroblob(9000))", (f"{number:04}",))
    await database.flush()
    assert await database.scrub()
    whole = await asyncio.to_thread(path.read_bytes)
    await asyncio.to_thread(path.write_bytes, whole[:4096] + b"garbage!" * ((len(whole) - 4096) // 8))
    with pytest.raises(RecordsError, match="read: database disk image is malformed"):
        await database.read(count)
    for _ in range(2):
        with pytest.raises(RecordsError, match="written: database disk image is malformed"):
            await database.write("DELETE FROM fruits")
    await asyncio.to_thread(path.write_bytes, whole)
    database.note(PICK, ("plum",))
    await until(lambda: not database.trouble)
    assert [tuple(row) for row in await database.read(count)] == [(1000,)]
    assert (await names(database))[-1] == "plum"
    messages = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert messages == ["records cannot be written"]


async def test_a_newer_file_put_in_place_of_ours_is_trouble(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writers, "RETRY_S", 0.02)
    await asyncio.to_thread(path.mkdir)
    database = Database(path, (FRUITS,))
    await database.start()
    await asyncio.to_thread(path.rmdir)
    newer = Database(path, (Schema("fruits", (*FRUITS.steps, ("CREATE TABLE kernels (name TEXT)",))),))
    await newer.start()
    await newer.aclose()
    with pytest.raises(RecordsError, match="newer"):
        await database.write(PICK, ("apple",))
    await database.aclose()


async def test_the_thread_outlives_a_bug(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(databases, "WRITE_WITHIN_S", 0.1)
        patch.setattr(writers, "_outcome", lambda *_: 1 / 0)
        with pytest.raises(RecordsError, match="in time"):
            await database.write(PICK, ("apple",))
        await until(lambda: "records were not written" in caplog.text)
    assert await database.write(PICK, ("pear",)) == 1


async def test_work_that_is_done_apart_may_fail_too(database: Database) -> None:
    with pytest.raises(RecordsError, match="no such"):
        await database._done(writers.Job(lambda connection: connection.execute("DROP TABLE nowhere"), is_apart=True))
