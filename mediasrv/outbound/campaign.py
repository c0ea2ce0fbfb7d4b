"""A campaign: a CSV file of callees, a line each.

The column ``number`` must be there, ``zone`` may be; all others are handed to the agent, by their names. Each line is
read by itself, so that one that is malformed costs no other. Within a campaign a number is called once, whatever
becomes of the process that reads the file: the order is in the records before the next line is read.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mediasrv.errors import ConfigError
from mediasrv.outbound.number import e164
from mediasrv.outbound.request import DialRequest

NUMBER, ZONE = "number", "zone"
_LINE_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Flaw:
    """A line that says nothing."""

    line: int
    """Counted from 1, the header."""
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Row:
    """A line that names a callee."""

    line: int
    request: DialRequest


def read_campaign(path: Path, common: DialRequest) -> Iterator[Row | Flaw]:
    """The lines of a file, in order; ``common`` is what all requests have in common. Empty lines say nothing.

    Raise ``ConfigError`` for a file that cannot be read or has no column of numbers.
    """
    try:
        with path.open("rb") as file:
            columns = _header(path, file.readline(_LINE_BYTES))
            seen: dict[str, int] = {}
            for place, line in enumerate(file, start=2):
                if line.strip():
                    yield _row(place, line, columns, common, seen)
    except OSError as error:
        raise ConfigError(f"{path}: cannot read the campaign: {error.strerror}") from None


def _header(path: Path, line: bytes) -> list[str]:
    try:
        columns = [name.strip() for name in _fields(line.removeprefix(b"\xef\xbb\xbf"))]
    except ValueError as error:
        raise ConfigError(f"{path}: line 1: {error}") from None
    names = [name.lower() if name.lower() in (NUMBER, ZONE) else name for name in columns]
    if NUMBER not in names or not all(names) or len(set(names)) < len(names):
        raise ConfigError(f"{path}: line 1: expected names of columns, each once, one of them {NUMBER}")
    return names


def _row(place: int, line: bytes, columns: list[str], common: DialRequest, seen: dict[str, int]) -> Row | Flaw:
    try:
        fields = _fields(line)
    except ValueError as error:
        return Flaw(place, str(error))
    if len(fields) != len(columns):
        return Flaw(place, f"expected {len(columns)} fields, got {len(fields)}")
    body = dict(zip(columns, (field.strip() for field in fields), strict=True))
    number, zone = e164(body.pop(NUMBER)), body.pop(ZONE, "")
    if not number:
        return Flaw(place, "number: expected E.164, such as +912212345678")
    if number in seen:
        return Flaw(place, f"the number stands in line {seen[number]} already")
    seen[number] = place
    request = DialRequest(
        number=number,
        agent=common.agent,
        body={**common.body, **body},
        purpose=common.purpose,
        zone=zone or common.zone,
        from_number=common.from_number,
        campaign=common.campaign,
    )
    return Row(place, request)


def _fields(line: bytes) -> list[str]:
    """The fields of a line; raise ``ValueError`` in words."""
    if len(line) > _LINE_BYTES:
        raise ValueError(f"expected at most {_LINE_BYTES} bytes")
    try:
        text = line.decode().rstrip("\r\n")
        return next(csv.reader([text], strict=True), [])
    except UnicodeDecodeError:
        raise ValueError("expected text in UTF-8") from None
    except csv.Error as error:
        raise ValueError(f"not CSV: {error}") from None
