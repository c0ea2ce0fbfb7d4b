"""Telephone numbers: one spelling for each, the zones that its owner may live in, and what may be shown of it."""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_GROUPING = re.compile(r"[\s().-]")
# ITU-T E.164: at most 15 digits; no country has numbers of fewer than 7 with its code.
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_LONGEST_CODE = 4
_SHOWN_DIGITS = 2


def e164(text: str) -> str:
    """A number in E.164, ``+`` and digits, however it is grouped; empty for what is none."""
    number = _GROUPING.sub("", text)
    return number if _E164.fullmatch(number) else ""


def masked(number: str) -> str:
    """A number as it may be shown: its last two digits."""
    return f"…{number[-_SHOWN_DIGITS:]}"


def zones_of(number: str) -> tuple[ZoneInfo, ...]:
    """The zones of a number's country; none for a country that we do not know. Reads files the first time."""
    digits = number.removeprefix("+")
    codes = (digits[:length] for length in range(_LONGEST_CODE, 0, -1))
    return next((_countries()[code] for code in codes if code in _countries()), ())


@lru_cache(maxsize=256)
def zone_named(name: str) -> ZoneInfo | None:
    """A zone of the IANA database; ``None`` for a name that is not there."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        # A folder's name is an OSError of its own.
        return None


@lru_cache(maxsize=1)
def _countries() -> dict[str, tuple[ZoneInfo, ...]]:
    """Zones by calling code. A code whose zones are not all on this machine is left out, and so is refused."""
    table = tomllib.loads((files("mediasrv") / "outbound" / "countries.toml").read_text(encoding="utf-8"))
    found = {code: [zone_named(name) for name in names] for code, names in table.items()}
    return {code: tuple(zone for zone in zones if zone) for code, zones in found.items() if all(zones)}
