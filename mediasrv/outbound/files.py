"""Files that an operator keeps and may change at any time: numbers that must not be called, and consents.

Each is read before the first call and again when it has changed, by a thread. One that cannot be read, or has a line
that cannot, counts as a whole as not readable: nobody knows whom that line was to protect.
"""

from __future__ import annotations

import asyncio
import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Generic, TypeVar

from mediasrv.errors import ConfigError
from mediasrv.outbound.number import e164
from mediasrv.outbound.options import PURPOSES
from mediasrv.records.consents import ConsentRecord

log = logging.getLogger(__name__)

COLUMNS = ("number", "purpose", "granted", "source", "expires")
"""Of a file of consents; the last two may be left out."""

T = TypeVar("T")
ConsentsByNumber = Mapping[str, list[ConsentRecord]]
"""By number."""


class Kept(Generic[T]):
    """A file, and what it said when it was last read."""

    def __init__(self, path: Path, read: Callable[[Iterable[str]], T]) -> None:
        """``read`` takes the lines and raises ``ConfigError`` for one that it cannot read."""
        self._path = path
        self._read = read
        self._stamp: tuple[int, int] | None = None
        self._content: T | None = None
        self._fault = ""
        self._lock = asyncio.Lock()

    async def content(self) -> T:
        """What the file says now; raise ``ConfigError`` when nobody can tell."""
        async with self._lock:
            await asyncio.to_thread(self._refresh)
        if self._content is None:
            raise ConfigError(self._fault)
        return self._content

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return
            self._content, self._stamp = None, stamp
            with self._path.open(encoding="utf-8-sig", newline="") as lines:
                self._content = self._read(lines)
        except OSError as error:
            self._stamp, fault = None, f"cannot be read: {error.strerror}"
        except (UnicodeDecodeError, csv.Error):
            fault = "expected text in UTF-8"
        except ConfigError as error:
            fault = str(error)
        else:
            self._fault = ""
            return
        self._content = None
        if fault != self._fault:
            log.error("a list of numbers cannot be used", extra={"file": self._path.name, "fault": fault})
        self._fault = f"{self._path}: {fault}"


def read_numbers(lines: Iterable[str]) -> frozenset[str]:
    """Numbers, one a line; an empty line and what follows a ``#`` say nothing."""
    return frozenset(_numbers(lines))


def _numbers(lines: Iterable[str]) -> Iterator[str]:
    for place, line in enumerate(lines, start=1):
        text = line.partition("#")[0].strip()
        if text:
            yield _number(text, place)


def consents_reader(days: int) -> Callable[[Iterable[str]], ConsentsByNumber]:
    """What reads a file of consents; ``days`` is the life of one that does not say when it expires."""

    def read(lines: Iterable[str]) -> ConsentsByNumber:
        rows = csv.DictReader(lines, skipinitialspace=True)
        names = [name.strip().lower() for name in rows.fieldnames or ()]
        if missing := set(COLUMNS[:3]) - set(names):
            raise ConfigError(f"line 1: expected the columns {', '.join(COLUMNS)}; there is no {min(missing)}")
        rows.fieldnames = names
        found: dict[str, list[ConsentRecord]] = {}
        for row in rows:
            given = {name: (row.get(name) or "").strip() for name in COLUMNS}
            consent = _consent(given, rows.line_num, days)
            found.setdefault(consent.number, []).append(consent)
        return found

    return read


def _consent(row: Mapping[str, str], place: int, days: int) -> ConsentRecord:
    if row["purpose"] not in PURPOSES:
        raise ConfigError(f"line {place}: purpose: expected {', '.join(PURPOSES)}")
    granted = _moment(row["granted"], "granted", place)
    try:
        expires = _moment(row["expires"], "expires", place) if row["expires"] else granted + timedelta(days=days)
    except OverflowError:
        raise ConfigError(f"line {place}: granted: expected a date that lets it expire before the year 10000") from None
    number = _number(row["number"], place)
    return ConsentRecord(number, row["purpose"], granted.timestamp(), expires.timestamp(), row["source"])


def _moment(text: str, column: str, place: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"line {place}: {column}: expected a date such as 2026-11-21") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str, place: int) -> str:
    if number := e164(text):
        return number
    raise ConfigError(f"line {place}: expected a number in E.164, such as +912212345678")
