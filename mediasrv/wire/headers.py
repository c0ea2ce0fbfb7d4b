"""Custom key-value pairs that travel with a call, in every spelling carriers use.

Plivo documents ``k1=v1,k2=v2`` for the answer document and shows ``k1=v1;k2=v2`` on the stream; its Python SDK calls
the same member a JSON string. A value may contain ``=`` but, in the first two spellings, neither separator. Headers
are an extra: what cannot be read is left out and never stops a call; the raw text stays beside it.
"""

from __future__ import annotations

import re

import orjson

_SEPARATORS = re.compile("[;,]")


def read_headers(member: object) -> dict[str, str]:
    """Read pairs from ``k=v;k2=v2``, ``k=v,k2=v2``, the text of a JSON object, or an object; else none.

    Of a key that comes twice the last stands. A JSON value that is no text is given as its JSON.
    """
    if isinstance(member, dict):
        written = {key: value if isinstance(value, str) else _json(value) for key, value in member.items()}
        return {key: value for key, value in written.items() if value is not None}
    if not isinstance(member, str):
        return {}
    if member.lstrip().startswith("{"):
        return _read_object(member)
    pairs = (part.partition("=") for part in _SEPARATORS.split(member))
    return {key.strip(): value.strip() for key, equals, value in pairs if equals and key.strip()}


def raw_headers(member: object) -> str:
    """The headers as they were written, for those who know a spelling of their own; empty where there are none."""
    if isinstance(member, dict):
        return _json(member) or ""
    return member if isinstance(member, str) else ""


def _read_object(text: str) -> dict[str, str]:
    try:
        return read_headers(orjson.loads(text))
    except orjson.JSONDecodeError:
        return {}


def _json(value: object) -> str | None:
    """Write a value as JSON; ``None`` for one nested deeper than the encoder goes, which the decoder outdoes."""
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return None
