"""What waits here for a recogniser: the caller's audio that the vendor has not been given.

It is bounded by whoever keeps it, who drops the oldest: words that come too late are no use to a caller.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from mediasrv.providers.base import Recognition


@runtime_checkable
class Backlogged(Protocol):
    """A recognition that may have to wait for its vendor."""

    @property
    def unsent_s(self) -> float:
        """Audio that waits, in seconds."""


def unsent_s(recognition: Recognition | None) -> float:
    """What waits of a recognition, in seconds; nothing does where nobody is waited for."""
    return recognition.unsent_s if isinstance(recognition, Backlogged) else 0.0
