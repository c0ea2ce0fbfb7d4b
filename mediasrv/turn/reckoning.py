"""Dead reckoning: where the caller's ear is between two marks.

The carrier plays in real time from the moment audio reaches it, so one number, the time at which it will have played
all that was sent, tells how much it still holds. Marks that come back show how far behind that model the ear really
is (the lag: the way there and back, and whatever the carrier adds).
"""

from __future__ import annotations


class Reckoning:
    """Positions in samples, times in seconds."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.sent = 0
        """Position up to which the carrier has what the bot says."""
        self.spoken_at_s = 0.0
        """When the carrier will have played, or has played, all of that."""
        self.dry_at_s = 0.0
        """When it has nothing to play any more: later, when a fade follows that is no part of what is said."""
        self.lag_s = 0.0
        """How far behind the model the ear is."""
        self.reached = 0
        """Position up to which the caller has heard, at least."""

    def samples_between(self, start_s: float, end_s: float) -> int:
        """Whole samples from one time to a later one."""
        return round(max(0.0, end_s - start_s) * self._rate_hz)

    def ahead(self, now: float) -> int:
        """Samples that the carrier still has to play."""
        return self.samples_between(now, self.dry_at_s)

    def ear(self, now: float) -> int:
        """Position up to which the caller has heard."""
        return max(self.reached, self.sent - self.samples_between(now, self.spoken_at_s + self.lag_s))

    def keep_ear(self, now: float) -> int:
        """The model is about to change: what it said was heard stays heard. Return the ear."""
        self.reached = self.ear(now)
        return self.reached

    def send(self, end: int, now: float) -> float:
        """What is said goes to the carrier up to a position; return when it begins to be played."""
        self.keep_ear(now)
        begins_s = max(self.dry_at_s, now)
        self.spoken_at_s = self.dry_at_s = begins_s + (end - self.sent) / self._rate_hz
        self.sent = end
        return begins_s

    def send_more(self, samples: int, now: float) -> None:
        """Audio that is no part of what is said goes to the carrier."""
        self.dry_at_s = max(self.dry_at_s, now) + samples / self._rate_hz

    def drop(self, now: float) -> int:
        """The carrier drops what it has not played; return the position at which that happens."""
        cut = max(self.keep_ear(now), self.sent - self.samples_between(now, self.spoken_at_s))
        self.sent = cut
        self.spoken_at_s, self.dry_at_s = min(self.spoken_at_s, now), min(self.dry_at_s, now)
        return cut

    def go_back(self, position: int, now: float) -> None:
        """What was played behind a position is going to be played again."""
        self.reached = min(self.ear(now), position)
        self.sent = position

    def restart(self, position: int) -> None:
        """What is said from now on has its place behind this position, and nothing else has."""
        self.sent = self.reached = position

    def learn(self, due_s: float, now: float) -> None:
        """A mark came back that the model had expected."""
        self.keep_ear(now)
        self.lag_s = max(0.0, now - due_s)

    def reach(self, position: int) -> None:
        """The caller has heard up to a position, at least."""
        self.reached = max(self.reached, position)
