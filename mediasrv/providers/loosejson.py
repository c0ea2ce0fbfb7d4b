"""Reading JSON that a vendor wrote: what is not of the kind that is asked for counts as not being there."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def parse_object(data: str | bytes) -> Mapping[str, Any] | None:
    """The object in a JSON text; ``None`` when there is none."""
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def table(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object; empty when there is none."""
    value = outer.get(key)
    return value if isinstance(value, dict) else {}


def tables(outer: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; empty when there is none."""
    value = outer.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def text(outer: Mapping[str, Any], key: str) -> str:
    """A text as it is; empty when there is none."""
    value = outer.get(key)
    return value if isinstance(value, str) else ""


def count(outer: Mapping[str, Any], key: str) -> int:
    """A number of things; 0 when there is none."""
    value = outer.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def word(value: object) -> str:
    """A vendor's short name of something, such as an error code, fit for a log; what is no name is left out."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,60}", value) else ""
