"""Sealed files of calls: which are whose, and how they go. All of it blocks, and is for a thread."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import orjson

SUFFIX = ".sealed"
"""Of recordings."""
CAPTURE_SUFFIX = ".capture"
"""Of what a call is run again from."""


def files_of(folder: Path, call_ids: Collection[str]) -> list[Path]:
    """The sealed files of these calls, by what stands in the files themselves: no row need know of them."""
    files = [*folder.glob(f"*{SUFFIX}"), *folder.glob(f"*{CAPTURE_SUFFIX}")]
    return [path for path in files if _call_of(path) in call_ids]


def files_before(folder: Path, before_s: float) -> list[Path]:
    """Recordings that were last written to before a time."""
    return [path for path in folder.glob(f"*{SUFFIX}") if path.stat().st_mtime < before_s]


def remove(paths: Iterable[Path]) -> int:
    """Delete files and return how many there were; one that is gone already is no news. Raise ``OSError``."""
    removed = 0
    for path in paths:
        try:
            path.unlink()
            removed += 1
        except FileNotFoundError:
            continue
    return removed


def _call_of(path: Path) -> str:
    """The call that is in a file; empty for a file that does not say."""
    # Where there is a recording, there is the package that sealed it.
    from mediasrv.records.sealed import KEY_BYTES, SealError, Unsealer

    try:
        with path.open("rb") as file:
            # What is readable of a file is so with any key.
            call_id = orjson.loads(Unsealer(file, bytes(KEY_BYTES)).header)["call"]
    except (OSError, SealError, ValueError, KeyError, TypeError):
        return ""
    return str(call_id)
