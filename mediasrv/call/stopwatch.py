"""The stopwatch of a reply: from its beginning to the sample with which it reaches the caller's ear."""

from __future__ import annotations

from mediasrv.call.trace import TurnTrace

# Positions are samples, times are seconds.
_ROUNDING_S = 0.001


class Stopwatch:
    """One call's; it runs for one turn at a time."""

    def __init__(self) -> None:
        self._trace: TurnTrace | None = None
        self._begins_s: float | None = None

    def run(self, trace: TurnTrace) -> None:
        """A turn is to be answered."""
        self._trace, self._begins_s = trace, None

    def stop(self) -> None:
        """It is not."""
        self._trace = None

    def answer_begins(self, now: float, audible_until_s: float) -> None:
        """The answer's first audio is there, behind what the caller still has to hear; only the first time counts."""
        if self._trace is not None and self._begins_s is None:
            self._trace.reach("first_audio", now)
            self._begins_s = max(now, audible_until_s)

    def audio_sent(self, now: float, begins_s: float) -> None:
        """Audio was sent that begins to sound at a time; it may be what goes ahead of the reply."""
        if self._trace is not None and self._begins_s is not None and begins_s > self._begins_s - _ROUNDING_S:
            self._trace.reach("sent", now)

    def audible(self, at_s: float) -> TurnTrace | None:
        """The caller has heard an utterance begin; returns the trace of the turn when that was its answer."""
        if self._trace is None or self._begins_s is None:
            return None
        trace, self._trace = self._trace, None
        trace.reach("heard", max(at_s, self._begins_s))
        return trace

    def heard(self) -> TurnTrace | None:
        """The caller has heard an utterance; returns the trace of the turn when its answer began within it.

        That is so when a filler went ahead: then the reply has no beginning of its own.
        """
        return None if self._begins_s is None else self.audible(self._begins_s)
