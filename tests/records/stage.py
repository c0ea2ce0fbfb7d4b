"""Records of calls that never were, for tests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from mediasrv.call.link import CallDetails
from mediasrv.call.recording import Recorded
from mediasrv.call.trace import STAGES, TurnTrace
from mediasrv.providers.meter import Use
from mediasrv.records.options import RecordsOptions
from mediasrv.records.records import Records

CALLER, OURS = "+919812345678", "+912266001234"


@asynccontextmanager
async def kept(folder: Path, options: RecordsOptions | None = None, **more: Any) -> AsyncIterator[Records]:
    """Records in a folder, open."""
    records = Records(folder / "records.db", options or RecordsOptions(), **more)
    await records.start()
    try:
        yield records
    finally:
        await records.aclose()


def trace(turn: int) -> TurnTrace:
    """A turn whose stages took 100 ms each."""
    points_s = {name: 10 + 0.1 * place for place, (name, _) in enumerate(STAGES, start=1)}
    return TurnTrace(turn, last_voice_s=10.0, points_s=points_s)


def converse(
    records: Records, call_id: str, caller: str = CALLER, *, ends: bool = True, recording: Path | None = None
) -> None:
    """Have a call of two turns, of which the second was told twice."""
    observer = records.chronicle
    observer.began(call_id, f"stream of {call_id}", "support", CallDetails("plivo", caller, OURS, {"order": 7}))
    observer.said(call_id, "bot", "Hello, how can I", 1.0, complete=False)
    observer.said(call_id, "caller", "where is my order", 2.0, turn=1)
    observer.turn_answered(call_id, trace(1))
    observer.said(call_id, "bot", "On its way.", 3.0)
    observer.said(call_id, "caller", "when will", 4.0, turn=2)
    observer.said(call_id, "caller", "when will it come", 5.0, turn=2)
    observer.spent(call_id, "scripted", Use.CHARACTERS, 10)
    observer.spent(call_id, "scripted", Use.CHARACTERS, 5)
    observer.spent("", "scripted", Use.CHARACTERS, 99)
    if recording is not None:
        observer.recorded(Recorded(call_id, recording, 1000.0, 2500, True))
    if ends:
        observer.ended(call_id, "caller hung up")
