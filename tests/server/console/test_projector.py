"""Recordings are played a few at a time, and none that no WAV file could hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.records.recordings import Recordings
from mediasrv.records.records import Records
from mediasrv.server.api.fault import Fault
from mediasrv.server.console import projector as projectors
from mediasrv.server.console.projector import Projector
from tests.records.stage import converse, kept
from tests.server.console.stage import KEY


async def recorded(folder: Path, records: Records) -> Projector:
    """A call with a recording of 2 s, in pieces."""
    recordings = Recordings(folder / "recordings", KEY, lambda recorded: None)
    recordings.start()
    reel = recordings.open("call-1", MULAW_8K)
    for _ in range(20):
        reel.write(bytes(1600))
    reel.close()
    await recordings.aclose()
    (sealed,) = recordings.folder.glob("*.sealed")
    converse(records, "call-1", recording=sealed)
    await records.database.flush()
    return Projector(records, recordings)


async def test_a_recording_comes_in_pieces_of_the_size_that_was_told(tmp_path: Path) -> None:
    async with kept(tmp_path) as records:
        projector = await recorded(tmp_path, records)
        pieces = []
        async with projector.projection("call-1", "0") as film:
            while piece := await film.piece():
                pieces.append(piece)
        assert len(pieces) > 1
        assert sum(map(len, pieces)) == film.size_bytes == 44 + 20 * 3200


async def test_too_many_at_once_and_one_too_long_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projectors, "MOST_AT_ONCE", 1)
    async with kept(tmp_path) as records:
        projector = await recorded(tmp_path, records)
        async with projector.projection("call-1", "0"):
            with pytest.raises(Fault, match="too many"):
                async with projector.projection("call-1", "0"):
                    pass
        monkeypatch.setattr(projectors, "MOST_BYTES", 1000)
        with pytest.raises(Fault, match="too long"):
            async with projector.projection("call-1", "0"):
                pass
