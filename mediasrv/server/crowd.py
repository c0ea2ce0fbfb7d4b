"""Everybody who is connected: so many an address, and so many who have not said yet what they want.

A stranger who opens sockets and says nothing takes a place until somebody else needs it: where too many wait, the one
who has waited longest must go. Whoever means it sends his request at once, and is not that one.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address

MOST_WAITING = 512
"""Connections whose first request is not known yet."""

CROWDED = "too many connections wait at the door"
TOO_MANY = "too many connections from one address"

# What one subscriber is given of IPv6 (RFC 6177).
_HIDDEN_BITS = 64


class Crowd:
    """The connections of one server."""

    def __init__(self, most_per_address: int, refused: Callable[[str], None]) -> None:
        """0 ``most_per_address``: any number; ``refused`` is told why somebody had to go."""
        self._most_per_address = most_per_address
        self._refused = refused
        self._waiting: dict[asyncio.BaseTransport, None] = {}
        self._address_of: dict[asyncio.BaseTransport, str] = {}
        self._connections: Counter[str] = Counter()

    @property
    def waiting(self) -> int:
        """Connections whose first request is not known yet."""
        return len(self._waiting)

    def enter(self, transport: asyncio.Transport) -> bool:
        """Somebody has come, and waits; ``False``: he must go. ``leave`` in any case when his connection is lost."""
        address = _address(transport.get_extra_info("peername")) if self._most_per_address else ""
        if address:
            if self._connections[address] >= self._most_per_address:
                self._refused(TOO_MANY)
                return False
            self._connections[address] += 1
            self._address_of[transport] = address
        if len(self._waiting) >= MOST_WAITING:
            self._send_away(next(iter(self._waiting)))
        self._waiting[transport] = None
        return True

    def heard(self, transport: asyncio.BaseTransport) -> None:
        """His first request is known, or will never be: he waits no longer."""
        self._waiting.pop(transport, None)

    def leave(self, transport: asyncio.BaseTransport) -> None:
        """His connection is gone; safe to call twice."""
        self._waiting.pop(transport, None)
        address = self._address_of.pop(transport, "")
        if address:
            self._connections[address] -= 1
            if not self._connections[address]:
                del self._connections[address]

    def disperse(self) -> None:
        """Send away all who wait."""
        for transport in list(self._waiting):
            transport.close()

    def _send_away(self, transport: asyncio.BaseTransport) -> None:
        del self._waiting[transport]
        self._refused(CROWDED)
        transport.close()


def _address(peer: object) -> str:
    """What connections are counted by; empty for this machine's own, behind which a proxy's clients may be."""
    if not isinstance(peer, tuple):
        return ""
    address = ip_address(str(peer[0]).partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if address.is_loopback:
        return ""
    return str(int(address) >> _HIDDEN_BITS) if address.version == 6 else str(address)
