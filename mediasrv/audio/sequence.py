"""The order of packets that a carrier counts: which are new, which came twice, where the count starts over.

Counts are compared modulo 65536. That holds for counters that wrap at 16 or 32 bits and for those that never do, as
long as two packets in a row are less than 32768 apart; a larger leap is a jump either way.
"""

from __future__ import annotations

from enum import Enum, auto

_MODULUS = 1 << 16
# RFC 3550 A.1 takes a source for restarted after 2 packets in sequence. A burst of reordered packets looks the same,
# so it takes more of them here: 80 ms of a restart are lost at most.
_RESTARTS_AFTER = 4


class Order(Enum):
    """What a packet is to those before it."""

    NEW = auto()
    """Seen for the first time, in its place or out of it."""
    DUPLICATE = auto()
    """Seen before."""
    JUMP = auto()
    """The count leapt or started over; this packet is placed right after the last."""


class Sequence:
    """Gives each packet its place in the stream: a number that grows without end and survives jumps."""

    __slots__ = ("_behind_count", "_behind_run", "_count", "_mask", "_place", "_seen", "_window")

    def __init__(self, window: int) -> None:
        """Take a packet more than ``window`` ahead of or behind the newest for a jump."""
        self._window = window
        self._mask = (1 << window + 1) - 1
        # Count and place of the newest packet; bit n of ``_seen`` is set when the packet n places before it has come.
        self._count: int | None = None
        self._place = -1
        self._seen = 0
        self._behind_count = 0
        self._behind_run = 0

    def advance(self, packets: int) -> None:
        """Take so many packets that came right after the newest, one after the other; some must have come before."""
        assert self._count is not None
        self._count += packets
        self._place += packets
        shift = min(packets, self._window + 1)
        self._seen = ((self._seen + 1 << shift) - 1) & self._mask
        self._behind_run = 0

    def place(self, count: int | None) -> tuple[Order, int]:
        """Return a packet's order and place; one without a count comes after the newest."""
        if count is None or self._count is None:
            newest = count if self._count is None else self._count + 1
            return self._advance(newest, 1)
        ahead = (count - self._count + _MODULUS // 2) % _MODULUS - _MODULUS // 2
        if 0 < ahead <= self._window:
            return self._advance(count, ahead)
        if abs(ahead) > self._window or self._starts_over(count):
            self._seen = 0
            self._advance(count, 1)
            return Order.JUMP, self._place
        bit = 1 << -ahead
        order = Order.DUPLICATE if self._seen & bit else Order.NEW
        self._seen |= bit
        return order, self._place + ahead

    def _advance(self, count: int | None, ahead: int) -> tuple[Order, int]:
        self._count = count
        self._place += ahead
        self._seen = (self._seen << ahead | 1) & self._mask
        self._behind_run = 0
        return Order.NEW, self._place

    def _starts_over(self, count: int) -> bool:
        """Tell whether packets behind the newest have come in sequence for so long that they are a new count."""
        self._behind_run = self._behind_run + 1 if count == self._behind_count + 1 else 1
        self._behind_count = count
        return self._behind_run >= _RESTARTS_AFTER
