"""Who may ask: whoever has the bearer token (RFC 6750). Whoever guesses has to wait ever longer, right guesses too."""

from __future__ import annotations

import hmac
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from ipaddress import ip_address

from mediasrv.carriers.bucket import Rate, TokenBucket
from mediasrv.server.api.fault import Fault

FAILURES = Rate(5, 60.0)
"""Wrong tokens that one peer may show."""
MAX_PEERS = 1024
"""Peers with wrong tokens that are remembered; the one who was wrong longest ago is forgotten."""


class Guard:
    """Knows the token by its hash alone, and who was wrong."""

    def __init__(self, token: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Without a token nobody is let in."""
        self._wanted = _digest(token) if token else None
        self._clock = clock
        self._buckets: OrderedDict[str, TokenBucket] = OrderedDict()
        self._until_s: dict[str, float] = {}

    def check(self, authorization: str, peer: str) -> None:
        """Raise ``Fault`` unless an ``Authorization`` header lets somebody in."""
        if self._wanted is None:
            raise Fault(403, "closed", "the operator's API is closed: no api.token is configured")
        now = self._clock()
        if (wait_s := self._until_s.get(peer, now) - now) > 0:
            headers = {"Retry-After": str(math.ceil(wait_s))}
            raise Fault(429, "too_many_attempts", "too many wrong tokens came from this address: wait", headers)
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(token.strip()), self._wanted):
            if authorization:
                self._count(peer, now)
            headers = {"WWW-Authenticate": 'Bearer realm="mediasrv"'}
            raise Fault(401, "unauthorized", "expected the header Authorization: Bearer TOKEN", headers)

    def _count(self, peer: str, now: float) -> None:
        bucket = self._buckets.pop(peer, None) or TokenBucket(FAILURES)
        self._buckets[peer] = bucket
        self._until_s[peer] = now + bucket.take(now)
        if len(self._buckets) > MAX_PEERS:
            forgotten, _ = self._buckets.popitem(last=False)
            del self._until_s[forgotten]


def peer_of(remote: str | None, headers: Mapping[str, str]) -> str:
    """The address that a request is from: behind a proxy on this machine, whom that names last.

    An empty one is that of another process of this server, which says likewise for whom it speaks; who is gone already
    has none.
    """
    if remote is None:
        return ""
    is_ours = not remote or is_loopback(remote)
    named = headers.get("X-Forwarded-For", "").rpartition(",")[2].strip() if is_ours else ""
    return (named or remote)[:100]


def is_loopback(host: str) -> bool:
    """Whether a host, by its name or address, is this machine and can be no other."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _digest(token: str) -> bytes:
    """Of one length, so that comparing takes equally long for any."""
    return sha256(token.encode("utf-8", "surrogateescape")).digest()
