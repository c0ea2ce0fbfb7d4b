"""The board: who is on the line just now."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from mediasrv.call.link import CallDetails
from mediasrv.call.observer import Observer


@dataclass(frozen=True, slots=True)
class Entry:
    """A live call."""

    id: str
    agent: str
    details: CallDetails
    began_s: float
    """Seconds since the epoch."""


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
