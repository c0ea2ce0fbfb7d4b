"""A disk without room under a whole server: calls go on, it is said once, and what is written later is whole."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mediasrv.records.recordingfiles import CAPTURE_SUFFIX, SUFFIX
from mediasrv.records.sealed import SealError, Unsealer
from mediasrv.replay.file import read_capture
from tests.patience import WAIT_S, until
from tests.test_workers import SCRIPTED, Server, serving

pytestmark = pytest.mark.long

KEY = bytes(range(32))
ROOM_BYTES = 4096
KEEPING = """record = true
[records]
path = "{folder}/mediasrv.db"
[recording]
folder = "{folder}/recordings"
key_env = "SEAL"
[record]
on = true
folder = "{folder}/captures"
[agents.default.stt]"""


@contextmanager
def no_room(pid: int) -> Iterator[None]:
    """Files of this process grow no further: it is what a full disk does, and needs no disk of its own."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


async def talk(server: Server, *call_ids: str) -> None:
    """Calls that are greeted and last for so long that something of them must be written."""
    phones = [await server.phone(each) for each in call_ids]
    for _ in range(75):
        for phone in phones:
            phone.speak(b"\xff" * 160)
        await asyncio.sleep(0.02)
    assert all(phone.ears.websocket.is_open for phone in phones)
    for phone in phones:
        await phone.hang_up()


def pieces_of(path: Path) -> tuple[int, bool]:
    """How many bytes can be read of a sealed file, and whether it is whole; raise for one that is corrupt."""
    size = 0
    with path.open("rb") as file:
        pieces = Unsealer(file, KEY).pieces()
        while True:
            try:
                size += len(next(pieces))
            except StopIteration:
                return size, True
            except SealError as error:
                if "breaks off" not in str(error):
                    raise
                return size, False


async def test_calls_go_on_without_room_and_what_follows_is_kept_whole(tmp_path: Path) -> None:
    config = tmp_path / "keeping.toml"
    text = SCRIPTED.format(greeting="Hi.").replace("[agents.default.stt]", KEEPING.format(folder=tmp_path), 1)
    config.write_text(text)
    sealing = {"SEAL": b64encode(KEY).decode()}
    async with serving(tmp_path, "--config", str(config), environment=sealing) as server:
        await talk(server, "before")
        await until(lambda: "before" in recorded(tmp_path))
        with no_room(server.process.pid):
            await talk(server, "during-1", "during-2")
            await server.until("mediasrv_records_troubled", 1.0)
            await server.until("mediasrv_recordings_troubled", 1.0)
            await talk(server, "during-3")
            for call in ("during-1", "during-2", "during-3"):
                await server.until_said(f"goes no further call={call} table=recording")
        await server.until("mediasrv_records_troubled", 0.0)
        await talk(server, "after")
        await server.until("mediasrv_live_calls", 0.0)
        assert (await server.figures())["mediasrv_records_lost"] == 0.0
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WAIT_S):
            assert await server.process.wait() == 0
        lines = list(server.lines)
    errors = [line for line in lines if " ERROR " in line]
    assert sum("records cannot be written" in line for line in errors) == 1
    assert sum("table=recording " in line for line in errors) == 1
    assert sum("table=record " in line for line in errors) <= 1
    assert len(errors) <= 3
    check_what_was_kept(tmp_path)


def recorded(folder: Path) -> dict[str, int]:
    """Calls whose recording is over, and whether it is whole."""
    with closing(sqlite3.connect(folder / "mediasrv.db")) as records:
        return dict(records.execute("SELECT call_id, is_whole FROM recordings"))


def check_what_was_kept(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "mediasrv.db")) as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        kept = records.execute("SELECT id, ended_s IS NOT NULL FROM calls ORDER BY started_s").fetchall()
        places = dict(records.execute("SELECT call_id, place FROM recordings"))
    whole = recorded(folder)
    names = ["before", "during-1", "during-2", "during-3", "after"]
    assert kept == [(name, 1) for name in names]
    assert [whole[name] for name in names] == [1, 0, 0, 0, 1]
    recordings = folder / "recordings"
    assert {each.name for each in recordings.glob(f"*{SUFFIX}")} >= {os.path.basename(each) for each in places.values()}
    for name in names:
        _, is_whole = pieces_of(recordings / os.path.basename(places[name]))
        assert is_whole == whole[name]
    for capture in (folder / "captures").glob(f"*{CAPTURE_SUFFIX}"):
        _, is_whole = pieces_of(capture)
        if is_whole:
            with capture.open("rb") as file:
                header, lines = read_capture(file, KEY)
            assert header
            assert lines
