"""A server that is killed in the midst of calls: what it kept of them can be read, and the next one ends them."""

from __future__ import annotations

import asyncio
import sqlite3
from base64 import b64encode
from contextlib import closing
from pathlib import Path

import pytest

from mediasrv.records.recordingfiles import CAPTURE_SUFFIX, SUFFIX
from tests.patience import WAIT_S, until
from tests.test_disk_full import KEEPING, KEY, pieces_of
from tests.test_workers import scripted, serving

pytestmark = [pytest.mark.long, pytest.mark.timeout(3 * WAIT_S)]

CALLS = ("one", "two")


def ends(folder: Path) -> dict[str, tuple[str | None, bool]]:
    """Of each call, why it ended, and whether it did."""
    with closing(sqlite3.connect(folder / "mediasrv.db")) as records:
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        rows = records.execute("SELECT id, cause, ended_s IS NOT NULL FROM calls").fetchall()
    return {name: (cause, bool(ended)) for name, cause, ended in rows}


async def test_what_was_kept_of_a_call_before_a_kill_can_be_read(tmp_path: Path) -> None:
    config = tmp_path / "keeping.toml"
    config.write_text(scripted().replace("[agents.default.stt]", KEEPING.format(folder=tmp_path), 1))
    run = ("--config", str(config))
    sealing = {"SEAL": b64encode(KEY).decode()}
    recordings, captures = tmp_path / "recordings", tmp_path / "captures"
    async with serving(tmp_path, *run, environment=sealing) as server:
        phones = [await server.phone(each) for each in CALLS]

        def is_kept() -> bool:
            files = list(recordings.glob(f"*{SUFFIX}"))
            is_recorded = len(files) == len(CALLS) and all(pieces_of(path)[0] > 8000 for path in files)
            return is_recorded and set(ends(tmp_path)) == set(CALLS)

        async with asyncio.timeout(WAIT_S):
            while not is_kept():
                for phone in phones:
                    phone.speak(b"\xff" * 160)
                await asyncio.sleep(0.02)
            server.process.kill()
            await server.process.wait()
    assert ends(tmp_path) == dict.fromkeys(CALLS, (None, False))
    before = {path: pieces_of(path) for path in recordings.glob(f"*{SUFFIX}")}
    assert [is_whole for _, is_whole in before.values()] == [False] * len(CALLS)
    assert [pieces_of(path)[1] for path in captures.glob(f"*{CAPTURE_SUFFIX}")] == [False] * len(CALLS)
    async with serving(tmp_path, *run, environment=sealing) as server:
        await until(lambda: ends(tmp_path) == dict.fromkeys(CALLS, ("server was lost", True)))
        phone = await server.phone("three")
        await phone.hang_up()
        await until(lambda: ends(tmp_path).get("three", (None, False))[1])
    assert {path: pieces_of(path) for path in before} == before
