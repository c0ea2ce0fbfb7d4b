"""Reading JSON that a vendor wrote: what is not of the kind that is asked for counts as not being there."""

from __future__ import annotations

import math
import re
from binascii import a2b_base64
from collections.abc import Mapping, Sequence
from typing import Any, TypeGuard

import orjson


def parse_object(data: str | bytes) -> Mapping[str, Any] | None:
    """The object in a JSON text; ``None`` when there is none."""
    try:
        parsed = orjson.loads(data)
    except orjson.JSONDecodeError:
        return None
    return parsed if isinstance(parsed, dict) else None


def parse(data: str | bytes) -> Mapping[str, Any]:
    """The object in a JSON text; empty when there is none."""
    return parse_object(data) or {}


def table(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A nested object; empty when there is none."""
    value = outer.get(key)
    return value if isinstance(value, dict) else {}


def tables(outer: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    """The objects of a list; empty when there is none."""
    value = outer.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def first(outer: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """The object that a list begins with; empty when there is none."""
    value = outer.get(key)
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def text(outer: Mapping[str, Any], key: str) -> str:
    """A text as it is; empty when there is none."""
    value = outer.get(key)
    return value if isinstance(value, str) else ""


def trimmed(outer: Mapping[str, Any], key: str) -> str:
    """A text without the space around it; empty when there is none."""
    return text(outer, key).strip()


def count(outer: Mapping[str, Any], key: str) -> int:
    """A number of things; 0 when there is none."""
    value = outer.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def ms(outer: Mapping[str, Any], key: str, unit_ms: float) -> float | None:
    """A time in milliseconds; ``None`` when there is none. ``unit_ms``: milliseconds in one of the vendor's units."""
    value = outer.get(key)
    return value * unit_ms if _is_number(value) else None


def span_ms(outer: Mapping[str, Any], key: str, unit_ms: float) -> tuple[float | None, float | None]:
    """The ``start`` of the first object of a list and the ``end`` of the last, each like ``ms``."""
    if not outer.get(key) or not (parts := tables(outer, key)):
        return None, None
    return ms(parts[0], "start", unit_ms), ms(parts[-1], "end", unit_ms)


def numbers(outer: Mapping[str, Any], key: str) -> list[float]:
    """A list of finite numbers; empty when it is none."""
    values = outer.get(key)
    return values if isinstance(values, list) and all(map(_is_number, values)) else []


def strings(outer: Mapping[str, Any], key: str) -> list[str]:
    """A list of texts; empty when it is none."""
    values = outer.get(key)
    return values if isinstance(values, list) and all(isinstance(each, str) for each in values) else []


def decoded(outer: Mapping[str, Any], key: str) -> bytes:
    """What a text of base64 stands for; nothing where it is broken."""
    try:
        return a2b_base64(text(outer, key), strict_mode=True)
    except ValueError:
        return b""


def word(value: object) -> str:
    """A vendor's short name of something, such as an error code, fit for a log; what is no name is left out."""
    return value if isinstance(value, str) and re.fullmatch(r"[\w.:-]{1,60}", value) else ""


def _is_number(value: object) -> TypeGuard[float]:
    return type(value) in (float, int) and math.isfinite(value)  # type: ignore[arg-type]
