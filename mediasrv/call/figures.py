"""A call's figures, read off its parts when somebody asks: nothing is counted for them while a frame is on its way."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mediasrv.call.ear import Ear
from mediasrv.call.tally import Tally
from mediasrv.providers.backlog import unsent_s
from mediasrv.turn.outcomes import Outcomes
from mediasrv.turn.playout import PlayoutLedger


@dataclass(frozen=True, slots=True)
class Waiting:
    """The bot's audio that the caller has not heard yet, in seconds."""

    here_s: float
    """Made, and not sent."""
    there_s: float
    """Sent, and at the carrier."""


class Figures:
    """One call's."""

    def __init__(self, ear: Ear, ledger: PlayoutLedger, outcomes: Outcomes) -> None:
        self._ear = ear
        self._ledger = ledger
        self._outcomes = outcomes
        self._is_closed = False

    def tally(self) -> Tally:
        """What was counted until now, and not told by ``close``."""
        if self._is_closed:
            return Tally()
        ledger, packets = self._ledger, self._ear.jitter.statistics
        echo = self._ear.listener.echo if self._ear.has_listener else None
        return Tally(
            underruns=ledger.underruns,
            marks_lost=ledger.marks_lost,
            packets_lost=packets.lost,
            packets_late=packets.late,
            packets_doubled=packets.duplicate,
            jitter_ms=packets.jitter_ms,
            echoes=echo.found if echo is not None else 0,
            echo_delay_ms=echo.delay_ms if echo is not None else None,
            voice=replace(self._outcomes),
        )

    def waiting(self, now: float) -> Waiting:
        """What waits at this time; nothing does behind the end of the call."""
        if self._is_closed:
            return Waiting(0.0, 0.0)
        return Waiting(self._ledger.unsent_ms / 1000, max(0.0, self._ledger.dry_at_s - now))

    def unsent_s(self) -> float:
        """The caller's audio that the recogniser has not been given, in seconds."""
        is_heard = self._ear.has_listener and not self._is_closed
        return unsent_s(self._ear.listener.recognition) if is_heard else 0.0

    def close(self) -> Tally:
        """The call is over: what it comes to, told once."""
        tally = self.tally()
        self._is_closed = True
        return tally
