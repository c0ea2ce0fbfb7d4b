"""The board: who is on the line just now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.records.archive import iso


@dataclass(frozen=True, slots=True)
class Entry:
    """A live call."""

    id: str
    agent: str
    details: CallDetails
    began_s: float
    """Seconds since the epoch."""

    def document(self) -> dict[str, Any]:
        """The call in short, as the records have it."""
        details = self.details
        return {
            "id": self.id,
            "carrier": details.carrier,
            "agent": self.agent,
            "direction": details.direction,
            "from_number": details.from_number,
            "to_number": details.to_number,
            "started": iso(self.began_s),
            "ended": None,
            "duration_s": None,
            "cause": None,
        }


class Board(Observer):
    """Live calls by name, oldest first."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    @property
    def entries(self) -> Mapping[str, Entry]:
        """They change as calls come and go."""
        return self._entries

    def began(self, call_id: str, stream_id: str, agent: str, details: CallDetails) -> None:
        self._entries[call_id] = Entry(call_id, agent, details, time.time())

    def ended(self, call_id: str, cause: str) -> None:
        self._entries.pop(call_id, None)
