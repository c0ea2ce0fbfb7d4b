"""A disk without room under a whole server: calls go on, it is said once, and what is written later is whole."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import signal
import sqlite3
import subprocess
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest

from mediasrv.records.recordingfiles import CAPTURE_SUFFIX, SUFFIX
from mediasrv.records.sealed import SealError, Unsealer
from mediasrv.replay.file import read_capture
from tests.patience import WAIT_S, until
from tests.test_workers import Server, scripted, serving

pytestmark = pytest.mark.long

KEY = bytes(range(32))
ROOM_BYTES = 4096
DISK = "8m"
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


NoRoom = Callable[[int, Path], AbstractContextManager[None]]
"""Leaves no room to the files of a process in a folder."""


@contextmanager
def files_that_may_not_grow(pid: int, _: Path) -> Iterator[None]:
    """Writing fails behind the first bytes of a file: like a quota, and without a disk of its own."""
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (ROOM_BYTES, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def a_full_disk(_: int, folder: Path) -> Iterator[None]:
    """Somebody else takes all that the file system has (ENOSPC), and gives it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 16, 1):
            while True:
                try:
                    file.write(bytes(size))
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    break
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A file system of its own, in memory; ``False`` where we are not allowed to have one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "mediasrv-test", str(folder)]
    is_there = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield is_there
    finally:
        if is_there:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


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
        try:
            for piece in Unsealer(file, KEY).pieces():
                size += len(piece)
        except SealError as error:
            if "breaks off" not in str(error):
                raise
            return size, False
    return size, True


@pytest.mark.parametrize("no_room", [files_that_may_not_grow, a_full_disk])
async def test_calls_go_on_without_room_and_what_follows_is_kept_whole(tmp_path: Path, no_room: NoRoom) -> None:
    with small_disk(tmp_path / "disk") as is_real:
        if no_room is a_full_disk and not is_real:
            pytest.skip("only root can mount a disk")
        await live_through(tmp_path, tmp_path / "disk", no_room)
        check_what_was_kept(tmp_path / "disk")


async def live_through(folder: Path, disk: Path, no_room: NoRoom) -> None:
    config = folder / "keeping.toml"
    text = scripted().replace("[agents.default.stt]", KEEPING.format(folder=disk), 1)
    config.write_text(text)
    sealing = {"SEAL": b64encode(KEY).decode()}
    async with serving(folder, "--config", str(config), environment=sealing) as server:
        await talk(server, "before")
        await until(lambda: "before" in recorded(disk))
        with no_room(server.process.pid, disk):
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
