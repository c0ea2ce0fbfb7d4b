"""The stopwatch of a reply: from its beginning to the sample with which it reaches the caller's ear.

What the caller hears first need not be the reply: a filler may go ahead of it, in the same utterance. So the answer is
found by its place behind what was queued before it, and its first sample's way is that of the audio it was sent with.
"""

from __future__ import annotations

import logging

from mediasrv.call.observer import Observer
from mediasrv.call.trace import TurnTrace

log = logging.getLogger(__name__)

# Positions are samples, times are seconds.
_ROUNDING_S = 0.001


class Stopwatch:
    """One call's; it runs for one turn at a time, and tells when the turn was answered."""

    def __init__(self, call_id: str, observer: Observer) -> None:
        self._call_id = call_id
        self._observer = observer
        self._trace: TurnTrace | None = None
        self._place_s: float | None = None
        self._played_s: float | None = None

    def run(self, trace: TurnTrace) -> None:
        """A turn is to be answered."""
        self._trace = trace
        self._place_s = self._played_s = None

    def stop(self) -> None:
        """It is not."""
        self._trace = None

    def answer_begins(self, now: float, audible_until_s: float) -> None:
        """The answer's first audio is there, behind what the caller still has to hear; only the first time counts."""
        if self._trace is not None and self._place_s is None:
            self._trace.reach("first_audio", now)
            self._place_s = max(now, audible_until_s)

    def audio_sent(self, now: float, begins_s: float, ends_s: float) -> None:
        """Audio was sent that is played from one time to another; it may be what goes ahead of the reply."""
        if self._trace is None or self._place_s is None or self._played_s is not None:
            return
        if ends_s > self._place_s + _ROUNDING_S:
            self._trace.reach("sent", now)
            self._played_s = max(begins_s, self._place_s)

    def audible(self, at_s: float, lag_s: float, now: float) -> None:
        """The caller has heard an utterance begin; ``lag_s`` is how far behind what is played his ear is."""
        if self._trace is None or self._played_s is None:
            return
        trace, self._trace = self._trace, None
        trace.reach("heard", max(at_s, self._played_s + lag_s))
        trace.told_s = now
        facts = {"call": self._call_id, "turn": trace.turn, "ms": round(trace.response_ms or 0), **trace.parts_ms()}
        log.info("turn answered", extra=facts)
        self._observer.turn_answered(self._call_id, trace)

    def heard(self, lag_s: float, now: float) -> None:
        """The caller has heard an utterance: if the answer began within it, behind a filler, it was heard to begin."""
        if self._played_s is not None:
            self.audible(self._played_s, lag_s, now)
