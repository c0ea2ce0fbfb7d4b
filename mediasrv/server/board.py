"""The board: who is on the line just now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer
from mediasrv.records.archive import Wanted, iso


@dataclass(frozen=True, slots=True)
class Entry:
    """A live call."""

    id: str
    agent: str
    details: CallDetails
    began_s: float
    """Seconds since the epoch."""

    def line(self) -> str:
        """The call as another process is told of it; without what was handed to its agent."""
        details = self.details
        known = (details.carrier, details.direction, details.from_number, details.to_number)
        return orjson.dumps([self.id, self.agent, self.began_s, *known]).decode()

    @staticmethod
    def read(line: str) -> Entry:
        """The call of which another process has told in a line."""
        call_id, agent, began_s, carrier, direction, from_number, to_number = orjson.loads(line)
        parties = {"from_number": from_number, "to_number": to_number, "direction": direction}
        return Entry(call_id, agent, CallDetails(carrier, **parties), began_s)

    def fits(self, wanted: Wanted) -> bool:
        """Whether this is one of the calls that are asked for."""
        numbers = (self.details.from_number, self.details.to_number)
        return (
            wanted.number in ("", *numbers)
            and any(wanted.text.lower() in each.lower() for each in (self.id, self.agent, *numbers))
            and wanted.agent in ("", self.agent)
            and wanted.direction in ("", self.details.direction)
            and (wanted.since_s is None or self.began_s >= wanted.since_s)
            and (wanted.until_s is None or self.began_s < wanted.until_s)
        )

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
