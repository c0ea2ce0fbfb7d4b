"""A part of a file, as HTTP asks for it (RFC 9110, 14)."""

from __future__ import annotations

import re

_ONE = re.compile(r"bytes=(?:([0-9]{1,18})-([0-9]{0,18})|-([0-9]{1,18}))", re.IGNORECASE)


def range_of(header: str, size: int) -> range | None:
    """The bytes that a ``Range`` header asks for of a file of this size; an empty one where there are none.

    ``None`` where the whole file is to be sent: there is no such header, it asks for several parts, or makes no sense.
    """
    asked = _ONE.fullmatch(header.strip())
    if asked is None:
        return None
    first, last, suffix = asked.groups()
    if suffix is not None:
        return range(max(0, size - int(suffix)), size)
    if last and int(last) < int(first):
        return None
    return range(min(int(first), size), min(int(last) + 1, size) if last else size)
