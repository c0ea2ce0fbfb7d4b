"""What is counted of a stream that a jitter buffer puts in order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class JitterStatistics:
    """What has happened to a stream's packets so far."""

    lost: int = 0
    """Packets that had not come when their turn came, those that came later included."""
    late: int = 0
    """Packets that came after their turn, and were dropped."""
    duplicate: int = 0
    """Packets that came again, and were dropped."""
    concealed: int = 0
    """Packets that were made up."""
    overflow: int = 0
    """Packets that were dropped because more were waiting than the longest delay holds."""
    trimmed: int = 0
    """Quiet packets that were left out to shorten the delay."""
    resynced: int = 0
    """Leaps and restarts of the count, over which nothing was concealed."""
    jitter_ms: float = 0.0
    """Variation of arrival, RFC 3550 6.4.1."""
