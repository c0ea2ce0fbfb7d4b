"""What all cases keep and need: a loop, JSON lines, file descriptors, a bar that shows how far they are."""

from __future__ import annotations

import resource
import sys
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
import uvloop

from mediasrv.errors import ConfigError, MediasrvError
from native_bench.machine import facts

_BAR = 40
# EX_CONFIG of sysexits.
_MISCONFIGURED = 78


def conduct(case: str, work: Coroutine[Any, Any, int], path: Path | None = None) -> int:
    """Run a case and return its exit code; what breaks it off is told in a line, and kept if there is a file."""
    try:
        code: int = uvloop.run(work)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return _MISCONFIGURED
    except MediasrvError as error:
        append(path, [{"case": case, **facts(), "failure": str(error)}])
        print(f"broken off: {error}", file=sys.stderr)
        return 1
    return code


def append(path: Path | None, rows: Sequence[Mapping[str, Any]]) -> None:
    """Append lines of JSON; without rows, see that it can be done. Raise ``ConfigError`` when it cannot."""
    if path is None:
        return
    try:
        with path.open("ab") as file:
            file.writelines(orjson.dumps(row, option=orjson.OPT_SERIALIZE_NUMPY) + b"\n" for row in rows)
    except OSError as error:
        raise ConfigError(f"cannot write {path}: {error.strerror or error}; name another file") from error


def require_descriptors(calls: int, each: int, spare: int = 100) -> None:
    """See that so many calls, with so many descriptors each, may be had, by us and by what we start."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = calls * each + spare
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise ConfigError(
            f"{calls} calls need {wanted} file descriptors, {hard} are allowed: raise `ulimit -Hn`, or call less"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Progress:
    """A bar on stderr, where that is a terminal."""

    def __init__(self, total: float, unit: str) -> None:
        self._total = total
        self._unit = unit
        self._done = 0.0
        self._is_shown = sys.stderr.isatty()

    def step(self, done: float = 1) -> None:
        """So much more is done."""
        self._done = min(self._done + done, self._total)
        if self._is_shown:
            full = int(_BAR * self._done // max(self._total, 1e-9))
            text = f"{'█' * full}{'░' * (_BAR - full)} {self._done:.0f} of {self._total:.0f} {self._unit}"
            print(f"\r{text}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Give the line back."""
        if self._is_shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
