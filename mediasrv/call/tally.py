"""How a call went, counted over the whole of it: its audio, both ways, and what came of the caller's voice."""

from __future__ import annotations

from dataclasses import dataclass, field

from mediasrv.turn.outcomes import Outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One call's."""

    underruns: int = 0
    """How often the caller's ear ran dry within an utterance of ours, as far as we know."""
    marks_lost: int = 0
    """Marks that the carrier never returned."""
    packets_lost: int = 0
    """Packets of the caller that had not come when their turn came."""
    packets_late: int = 0
    """Those that came after it."""
    packets_doubled: int = 0
    jitter_ms: float = 0.0
    """Variation of their arrival at the end, RFC 3550 6.4.1."""
    echoes: int = 0
    """How often our own voice was found on the caller's line."""
    echo_delay_ms: float | None = None
    """How long after the carrier played it, where an echo is known at the time of asking."""
    voice: Outcomes = field(default_factory=Outcomes)
    """What came of the caller's voice."""
