"""Recordings of a call, taken out of their sealed files: plain WAV files, for their owner's eyes alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mediasrv.commands.base import recordings_of
from mediasrv.errors import ConfigError, RecordsError
from mediasrv.records.options import RecordingOptions


def take_out(recordings: Sequence[Mapping[str, Any]], options: RecordingOptions, out: Path) -> Iterator[str]:
    """Write our own recordings to ``out``, ``out-2`` and so on, and tell a line about each, and about the carrier's.

    Raise ``ConfigError`` without the key or where a file cannot be written, ``RecordsError`` where there is no
    recording or its file is gone, ``SealError`` for one that was changed or sealed with another key.
    """
    if not recordings:
        raise RecordsError("this call was not recorded")
    written = 0
    for recording in recordings:
        length = f"{recording['duration_ms'] / 1000:.1f} s"
        if recording["maker"] != "server":
            yield f"the carrier has one: {recording['place']} ({length})"
            continue
        written += 1
        target = out if written == 1 else out.with_stem(f"{out.stem}-{written}")
        _write(recording["place"], options, target)
        yield f"{target} ({length}{'' if recording['is_whole'] else ', with holes'})"


def _write(place: str, options: RecordingOptions, target: Path) -> None:
    shelf = recordings_of(options)
    if shelf is None:
        raise ConfigError("recordings are sealed: set recording.key_env to the key that this one was made with")
    try:
        with shelf.playback(place) as playback, open(target, "wb", opener=_for_the_owner) as wav:
            for chunk in playback.chunks():
                wav.write(chunk)
    except OSError as error:
        raise RecordsError(f"{error.filename or target}: {error.strerror}") from None


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
