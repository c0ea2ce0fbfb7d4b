"""How long a provider takes as a rule, learned from its recent answers.

The deadline is a high quantile of them: an answer that is not there by then is likely to be one of the slow ones, and a
second request is likely to overtake it. A lower quantile catches more of those and asks twice more often.
"""

from __future__ import annotations

from bisect import insort
from collections import deque

# One request in nine is made twice; at one in twenty the slowest hundredth hardly gets faster.
QUANTILE = 0.89
# Enough to tell a quantile, few enough to follow a provider that grows slower within minutes.
WINDOW = 100
# Before this many answers a quantile says nothing.
LEAST = 8


class Latency:
    """One provider's recent times to its first result, and the deadline that follows from them."""

    def __init__(self, lowest_s: float, highest_s: float) -> None:
        """The deadline stays between the bounds; without experience it is the higher one."""
        self._lowest_s = lowest_s
        self._highest_s = highest_s
        self._recent: deque[float] = deque()
        self._ordered: list[float] = []

    def note(self, took_s: float) -> None:
        """Learn from an answer, or from a wait that was given up: it took at least that long."""
        if len(self._recent) == WINDOW:
            self._ordered.remove(self._recent.popleft())
        self._recent.append(took_s)
        insort(self._ordered, took_s)

    @property
    def deadline_s(self) -> float:
        """When to stop trusting a request to be answered soon."""
        if len(self._ordered) < LEAST:
            return self._highest_s
        expected_s = self._ordered[int(len(self._ordered) * QUANTILE)]
        return min(max(expected_s, self._lowest_s), self._highest_s)
