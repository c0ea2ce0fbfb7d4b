"""Log lines: plain text on stderr, one line a fact, with syslog priorities when systemd's journal is reading.

A record's ``extra`` fields follow its message as ``key=value``. The journal takes each line for an entry and its
``<N>`` prefix for the entry's priority (sd-daemon(3)); it keeps the time itself.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

LEVELS = ("debug", "info", "warning", "error")
"""What ``--log-level`` takes."""

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class FactFormatter(logging.Formatter):
    """Appends a record's extra fields to its line."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _USUAL}
        line, newline, traceback = super().format(record).partition("\n")
        return " ".join([line, *(f"{name}={_shown(value)}" for name, value in facts.items())]) + newline + traceback


class JournalFormatter(FactFormatter):
    """Begins every line with its priority."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_priority(record.levelno)}>"
        return "\n".join(prefix + line for line in super().format(record).splitlines())


def start_logging(level: str, environ: Mapping[str, str] = os.environ, stream: TextIO | None = None) -> None:
    """Send the root logger's records of a level and above to a stream, stderr unless told otherwise."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    if _is_journal(stream, environ):
        handler.setFormatter(JournalFormatter("%(name)s: %(message)s"))
    else:
        handler.setFormatter(FactFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _shown(value: object) -> str:
    """A value as one word; what came from outside can forge no line."""
    text = str(value)
    return text if text.isprintable() and text and " " not in text else repr(text)


def _is_journal(stream: TextIO, environ: Mapping[str, str]) -> bool:
    """Whether the stream is the socket that systemd says the journal reads, and not redirected elsewhere."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _priority(level: int) -> int:
    """The syslog priority of a level, as sd-daemon(3) numbers them."""
    return next(priority for least, priority in _PRIORITIES if level >= least)


_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))
