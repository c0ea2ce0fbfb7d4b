"""A token bucket: how often something may be done, in bursts and in the long run.

Time is an argument, in monotonic seconds. Who may not go yet is told how long to wait, and has his place in the queue
by that: the bucket is in debt meanwhile, so whoever comes later waits longer.
"""

from __future__ import annotations

from dataclasses import dataclass

from mediasrv.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Rate:
    """So many in so long."""

    count: int
    """How many may come at once after a rest."""
    per_s: float
    """How long that many take when they come one after the other."""


class TokenBucket:
    """Begins full."""

    def __init__(self, rate: Rate) -> None:
        """Raise ``ConfigError`` for a rate at which nothing would ever be done."""
        if rate.count < 1 or rate.per_s <= 0:
            raise ConfigError(f"{rate.count} in {rate.per_s:g} s is no rate")
        self._rate = rate
        self._tokens = float(rate.count)
        self._filled_s = float("-inf")

    def take(self, now: float) -> float:
        """Take a token; return how many seconds to wait before it may be used, 0 for at once."""
        self._fill(now)
        self._tokens -= 1
        return max(0.0, -self._tokens) * self._rate.per_s / self._rate.count

    def give_back(self) -> None:
        """A token was taken and not used."""
        self._tokens += 1

    def _fill(self, now: float) -> None:
        gained = (now - self._filled_s) * self._rate.count / self._rate.per_s
        self._tokens = min(float(self._rate.count), self._tokens + max(0.0, gained))
        self._filled_s = max(self._filled_s, now)
