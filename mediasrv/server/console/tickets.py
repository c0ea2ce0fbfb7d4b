"""Tickets: a browser's player, which can send no token, shows one to hear the recordings of one call for a while.

A ticket is its last second and a MAC (RFC 2104) over that and the call. It needs no list of those that were given out:
every process that has the same token knows it, and with another token none is good any more.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from hashlib import scrypt

GOOD_FOR_S = 600
"""A page that goes on playing asks for another one in time."""


class Tickets:
    """Gives them out and looks at them."""

    def __init__(self, token: str, clock: Callable[[], float] = time.time) -> None:
        # A ticket that was stolen is to be of no help to who guesses tokens: each guess costs 16 MiB (RFC 7914).
        self._key = scrypt(token.encode("utf-8", "surrogateescape"), salt=b"mediasrv console", n=1 << 14, r=8, p=1)
        self._clock = clock

    def ticket(self, call_id: str) -> str:
        """For the recordings of a call."""
        return self._signed(str(int(self._clock()) + GOOD_FOR_S), call_id)

    def is_good(self, ticket: str, call_id: str) -> bool:
        """Whether this one is for that call, and still good."""
        until = ticket.partition(".")[0]
        wanted = self._signed(until, call_id).encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(wanted, ticket.encode("utf-8", "surrogateescape")):
            return False
        return self._clock() <= int(until)

    def _signed(self, until: str, call_id: str) -> str:
        signed = f"{until}.{call_id}".encode("utf-8", "surrogateescape")
        return f"{until}.{hmac.new(self._key, signed, 'sha256').hexdigest()}"
