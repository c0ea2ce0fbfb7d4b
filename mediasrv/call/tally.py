"""How the audio of a call went, both ways, counted over the whole of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One call's."""

    underruns: int
    """How often the caller's ear ran dry within an utterance of ours, as far as we know."""
    marks_lost: int
    """Marks that the carrier never returned."""
    packets_lost: int
    """Packets of the caller that had not come when their turn came."""
    packets_late: int
    """Those that came after it."""
    packets_doubled: int
    jitter_ms: float
    """Variation of their arrival at the end, RFC 3550 6.4.1."""
