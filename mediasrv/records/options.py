"""What an operator may say about what is remembered of calls."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path


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
