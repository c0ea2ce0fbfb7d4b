"""What an operator may say about what is remembered of calls."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mediasrv.errors import ConfigError

FILE_NAME = "mediasrv.db"
"""Of the records, where the folder is all that is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingOptions:
    """Keys of ``[recording]``: our own recordings of calls, of agents that ``record``."""

    folder: str = ""
    """Where they are kept; empty: ``recordings`` in ``$STATE_DIRECTORY``, or in the current folder."""
    key: str = field(default="", repr=False)
    """Seals them: 32 bytes in base64, such as ``openssl rand -base64 32`` makes. Without it nothing is recorded."""

    @property
    def path(self) -> Path:
        """The folder."""
        return Path(self.folder) if self.folder else Path(os.environ.get("STATE_DIRECTORY", "")) / "recordings"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsOptions:
    """Keys of ``[records]``: what is remembered of calls. A retention of 0 days is for ever."""

    keep: bool = True
    """Whether calls are recorded in a file at all."""
    path: str = ""
    """The file; empty: `mediasrv.db` in `$STATE_DIRECTORY`, which systemd sets; without either nothing is kept."""
    keep_transcripts: bool = True
    """Whether what was said is kept, and the `body` that came with the call."""
    retain_transcripts_days: int = 90
    """Life of what was said, and of the body."""
    retain_recordings_days: int = 90
    """Life of recordings, counted from their beginning."""
    # India's DPDP Rules 2025, r. 6 and 8, ask for traffic data of a year at least.
    retain_calls_days: int = 400
    """Life of everything else of a call: numbers, times, latencies, usage, attempts to call."""
    retain_consents_days: int = 400
    """Life of a consent after it has expired, as a proof."""

    def __post_init__(self) -> None:
        for name, days in self.retained_days.items():
            if days < 0:
                raise ConfigError(f"retain_{name}_days must not be less than 0")

    @property
    def retained_days(self) -> Mapping[str, int]:
        """Days that each class of data lives."""
        return {
            "transcripts": self.retain_transcripts_days,
            "recordings": self.retain_recordings_days,
            "calls": self.retain_calls_days,
            "consents": self.retain_consents_days,
        }

    @property
    def file(self) -> Path | None:
        """Where the records are kept, if they are."""
        if not self.keep:
            return None
        if self.path:
            return Path(self.path).expanduser()
        # systemd separates several folders by colons.
        folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        return Path(folder) / FILE_NAME if folder else None
