"""What an operator may say about captures of calls."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from mediasrv.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class CaptureOptions:
    """Keys of ``[record]``: captures of calls, to be run again by ``mediasrv replay``."""

    on: bool = False
    """Whether calls are captured: all that comes into them, and what they do."""
    agents: tuple[str, ...] = ()
    """Of these agents alone; empty: of all."""
    folder: str = ""
    """Where captures are kept; empty: ``captures`` in ``$STATE_DIRECTORY``, or in the current folder."""
    key: str = field(default="", repr=False)
    """Seals them: 32 bytes in base64; empty: ``recording.key``."""
    redact: bool = False
    """Whether words, digits, numbers and audio are replaced by blanks of the same length."""
    retain_days: int = 7
    """Life of a capture; what is older is deleted when the server starts and when a call is over. 0: for ever."""

    def __post_init__(self) -> None:
        if self.retain_days < 0:
            raise ConfigError("record.retain_days must not be less than 0")

    @property
    def path(self) -> Path:
        """The folder."""
        state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
        return Path(self.folder) if self.folder else Path(state) / "captures"
