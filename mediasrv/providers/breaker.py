"""A circuit breaker: a provider that fails again and again is left alone for a while.

::

    CLOSED --failures in a row--> OPEN --rest is over--> HALF OPEN --success--> CLOSED
                                   ^                         |
                                   +-------- failure --------+   (each rest is twice the last)
"""

from __future__ import annotations

FAILURES_TO_OPEN = 3
FIRST_REST_S = 5.0
LONGEST_REST_S = 60.0


class Breaker:
    """Whether a provider may be asked; times are ``now`` in seconds."""

    def __init__(
        self,
        failures_to_open: int = FAILURES_TO_OPEN,
        first_rest_s: float = FIRST_REST_S,
        longest_rest_s: float = LONGEST_REST_S,
    ) -> None:
        self._failures_to_open = failures_to_open
        self._first_rest_s = self._rest_s = first_rest_s
        self._longest_rest_s = longest_rest_s
        self._failures = 0
        self._open_until_s: float | None = None

    def allows(self, now: float) -> bool:
        """Whether to ask it: always when closed, and once a rest is over, to see."""
        return self._open_until_s is None or now >= self._open_until_s

    def succeeded(self) -> None:
        """It answered: all is forgiven."""
        self._failures = 0
        self._rest_s = self._first_rest_s
        self._open_until_s = None

    def failed(self, now: float) -> None:
        """It did not answer, or with an error of its own."""
        self._failures += 1
        if self._open_until_s is not None:
            # The trial after a rest failed; failures that were under way when it opened count for nothing.
            if now >= self._open_until_s:
                self._rest_s = min(2 * self._rest_s, self._longest_rest_s)
                self._open_until_s = now + self._rest_s
        elif self._failures >= self._failures_to_open:
            self._open_until_s = now + self._rest_s
