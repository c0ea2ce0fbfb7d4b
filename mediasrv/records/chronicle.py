"""The chronicle: writes down what calls have to tell, as they tell it. Each event costs the loop an append.

A call's times lie as far apart as they were: the clock on the wall is read when it begins, and a clock that nobody sets
from then on.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import orjson

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.call.recording import Recorded
from mediasrv.call.trace import TurnTrace
from mediasrv.providers.meter import Use
from mediasrv.records import tables
from mediasrv.records.database import Database

SERVER, CARRIER = "server", "carrier"
"""Makers of recordings."""
AGENT, TRANSFER = "agent", "transfer"
"""Kinds of legs: one of ours speaks, or somebody to whom the caller was handed over."""


@dataclass(frozen=True, slots=True)
class _Leg:
    stream_id: str
    wall_s: float
    """What the clock on the wall showed when the other stood at 0."""


class Chronicle(Observer):
    """Observer of all calls of a server."""

    def __init__(self, database: Database, *, keep_transcripts: bool = True) -> None:
        """Without ``keep_transcripts`` neither words nor bodies are written down."""
        self._note = database.note
        self._keeps_words = keep_transcripts
        self._legs: dict[str, _Leg] = {}

    def _now_of(self, call_id: str) -> float:
        """Seconds since the epoch, by the clock of a call."""
        leg = self._legs.get(call_id)
        return time.time() if leg is None else leg.wall_s + time.monotonic()

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        self._legs[call_id] = _Leg(stream_id, time.time() - time.monotonic())
        body = orjson.dumps(details.body, default=str).decode() if details.body and self._keeps_words else None
        row = {
            "id": call_id,
            "carrier": details.carrier,
            "agent": agent,
            "direction": details.direction,
            "from_number": details.from_number,
            "to_number": details.to_number,
            "body": body,
            "process": os.getpid(),
            "now": self._now_of(call_id),
        }
        self._note(tables.BEGIN, row)
        self._note(tables.BEGIN_LEG, {**row, "leg_id": stream_id, "kind": AGENT, "party": agent})

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        if self._keeps_words:
            leg_id, said_s = self._leg_of(call_id), self._now_of(call_id)
            self._note(tables.SAY, (call_id, leg_id, turn, said_s, side, text, complete))

    def _leg_of(self, call_id: str) -> str:
        leg = self._legs.get(call_id)
        return "" if leg is None else leg.stream_id

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        parts = trace.parts_ms()
        heard_s = self._now_of(call_id) - trace.known_after_s
        row = (call_id, trace.turn, heard_s, sum(parts.values()), *(parts[part] for part in tables.PARTS))
        self._note(tables.ANSWER, row)

    def spent(self, call_id: str, provider: str, use: Use, amount: float) -> None:
        if call_id:
            self._note(tables.SPEND, (call_id, provider, use.value, amount))

    def recorded(self, recording: Recorded) -> None:
        row = (recording.call_id, SERVER, recording.began_s, recording.duration_ms, recording.is_whole, "")
        self._note(tables.RECORD, (str(recording.path), *row))

    def carrier_recorded(self, call_id: str, recording_id: str, url: str, duration_ms: int) -> None:
        """The carrier has a recording of its own ready, of 0 ms where it does not say; when it began is a guess."""
        began_s = time.time() - duration_ms / 1000
        self._note(tables.RECORD, (url or recording_id, call_id, CARRIER, began_s, duration_ms, True, recording_id))

    def handed_over(self, call_id: str, leg_id: str, party: str, outcome: str) -> None:
        """A caller was led to somebody else, or nobody was there; the same leg may be told of again."""
        leg = {"id": call_id, "leg_id": leg_id, "kind": TRANSFER, "party": party, "now": self._now_of(call_id)}
        self._note(tables.BEGIN_LEG, leg)
        self._note(tables.END_LEG, {**leg, "cause": outcome})

    def ended(self, call_id: str, cause: str) -> None:
        end = {"id": call_id, "leg_id": self._leg_of(call_id), "cause": cause, "now": self._now_of(call_id)}
        self._legs.pop(call_id, None)
        self._note(tables.END_LEG, end)
        self._note(tables.END, end)
