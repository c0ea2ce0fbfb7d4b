"""The addresses that carriers are given."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode


def stream_url(origin: str, carrier: str) -> str:
    """Where a carrier opens its WebSocket; ``origin`` is http or https."""
    return f"ws{origin.removeprefix('http')}/{carrier}/stream"


def with_query(url: str, query: Mapping[str, str]) -> str:
    """A URL with what is not empty of these fields."""
    given = {name: value for name, value in query.items() if value}
    return f"{url}?{urlencode(given)}" if given else url
