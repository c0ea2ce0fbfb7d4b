"""The TLS context of all outbound connections: made once, at start-up, because making one reads the system's roots."""

from __future__ import annotations

import ssl
from functools import cache


@cache
def client_context() -> ssl.SSLContext:
    """The context that verifies servers by the system's roots; the first call blocks on files for some 20 ms."""
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context
