"""What all providers on the network share: their options, and how their refusals read to us."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import aiohttp

from mediasrv.errors import ConfigError, ProviderError
from mediasrv.net.tls import client_context

# HTTP statuses after which the same request may succeed: RFC 9110 15.5.9 and .10, RFC 8470 5.2, RFC 6585 4, and 5xx.
_RETRYABLE = frozenset({408, 409, 425, 429})
# Longer than the gap between two turns: a connection that is kept costs nothing, a new one three round trips.
KEEP_ALIVE_S = 300.0
CONNECT_LIMIT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorOptions:
    """Keys that every provider on the network takes."""

    url: str = ""
    """Origin; empty: the vendor's own. http(s) or ws(s): the adapter uses the scheme it needs, and adds a version, such
    as ``/v1``, where there is no path."""
    api_key: str = field(default="", repr=False)
    """The account's secret."""
    model: str = ""
    """The vendor's name of the model; empty: the adapter's choice."""


def require_key(options: VendorOptions, stage: str, provider: str) -> str:
    """The key; raise ``ConfigError`` where there is none."""
    if not options.api_key:
        raise ConfigError(f"{stage} provider {provider} needs a key: set api_key_env or api_key_file")
    return options.api_key


def refusal(stage: str, provider: str, status: int, detail: str = "") -> ProviderError:
    """The error for an HTTP status; ``detail`` is the vendor's own short word and must hold no secret."""
    retryable = status in _RETRYABLE or status >= 500 or status == 0
    words = f"HTTP {status}" if status else "no answer"
    return ProviderError(f"{words} {detail[:200]}".strip(), stage=stage, provider=provider, retryable=retryable)


def http_session() -> aiohttp.ClientSession:
    """A session for one provider: connections are kept well past the gap between turns; close it when done."""
    connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE_S, ssl=client_context())
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_LIMIT_S)
    return aiohttp.ClientSession(connector=connector, timeout=timeout)


async def keep_open(session: aiohttp.ClientSession | None, url: str) -> None:
    """Have a connection open, if the session is; any answer to a request without meaning tells that there is one."""
    if session is None or session.closed:
        return
    limit = aiohttp.ClientTimeout(total=CONNECT_LIMIT_S)
    with suppress(aiohttp.ClientError, OSError):
        async with session.head(url, allow_redirects=False, timeout=limit):
            pass
