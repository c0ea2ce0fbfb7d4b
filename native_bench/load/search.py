"""How many is too many: steps up until something breaks, then bisection. Pure."""

from __future__ import annotations

_CLOSE_ENOUGH = 0.05


class Search:
    """Asks for numbers of calls, is told what became of them, and narrows down.

    What breaks is tried once more before it is believed: a machine has bad moments. What holds is believed at once.
    """

    def __init__(self, first: int, most: int, growth: float = 2.0, tries: int = 2) -> None:
        self.held = 0
        """Most calls that held."""
        self.broken: int | None = None
        """Least calls that broke, for good."""
        self._next = min(first, most)
        self._most, self._growth, self._tries = most, growth, tries
        self._bad = 0

    @property
    def following(self) -> int | None:
        """Calls to try next; ``None`` when it is found."""
        if self.held >= self._most or self.is_found:
            return None
        return self._next

    @property
    def is_found(self) -> bool:
        """Whether what holds and what breaks are next to each other, or near enough."""
        return self.broken is not None and self.broken - self.held <= max(1, int(self.held * _CLOSE_ENOUGH))

    def tell(self, held: bool) -> None:
        """What became of the calls that were asked for."""
        calls = self._next
        if held:
            self.held, self._bad = calls, 0
        else:
            self._bad += 1
            if self._bad < self._tries:
                return
            self.broken, self._bad = calls, 0
        if self.broken is None:
            self._next = min(self._most, max(calls + 1, round(calls * self._growth)))
        else:
            self._next = (self.held + self.broken) // 2
