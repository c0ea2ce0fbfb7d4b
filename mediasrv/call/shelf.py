"""A shelf: recorded speech kept on disk from one start of the server to the next.

Each recording is a file of its own, named by a hash of all that it depends on: a header of one line, then the audio.
Files are written beside their place and moved there, so that none is ever seen half. One that is not whole all the same
is as good as none. All of this blocks, and has no place in the server once there are calls.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from mediasrv.providers.base import Speech

log = logging.getLogger(__name__)

# A thousand phrases; what was not used for longest goes first.
MOST_BYTES = 64 * 1024 * 1024


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where recordings belong: under ``$CACHE_DIRECTORY`` (systemd's), or in the user's cache."""
    given = environ.get("CACHE_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given) / "voice"
    cache = environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache) / "mediasrv" / "voice"


class Shelf:
    """Recordings in a folder, which is made when it is needed."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, name: str) -> list[Speech] | None:
        """The recording of this name; ``None`` when there is none that is whole."""
        path = self._folder / name
        try:
            head, _, audio = path.read_bytes().partition(b"\n")
            header = json.loads(head)
            if header["sha256"] != hashlib.sha256(audio).hexdigest():
                return None
            os.utime(path)
            return _pieces(header["pieces"], audio)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def put(self, name: str, recording: Sequence[Speech]) -> None:
        """Keep a recording; a folder that cannot be written to is told of in the log, and nothing is kept."""
        audio = b"".join(piece.audio for piece in recording)
        header = {
            "sha256": hashlib.sha256(audio).hexdigest(),
            "pieces": [[piece.text, len(piece.audio)] for piece in recording],
        }
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                file.write(json.dumps(header).encode() + b"\n" + audio)
            os.replace(file.name, self._folder / name)
        except OSError as error:
            log.warning("recording is not kept", extra={"folder": str(self._folder), "error": error.strerror})

    def tidy(self) -> None:
        """Throw away what was not used for longest, as far as there is too much."""
        try:
            found = [(path, path.stat()) for path in self._folder.iterdir()]
            surplus = sum(stat.st_size for _, stat in found) - self._most_bytes
            for path, stat in sorted(found, key=lambda each: each[1].st_mtime):
                if surplus <= 0:
                    return
                path.unlink()
                surplus -= stat.st_size
        except OSError:
            return  # Nothing was ever kept, or somebody else is tidying.


def _pieces(shape: Sequence[tuple[str, int]], audio: bytes) -> list[Speech]:
    pieces: list[Speech] = []
    at = 0
    for text, size in shape:
        pieces.append(Speech(audio[at : at + size], str(text)))
        at += size
    if at != len(audio):
        raise ValueError("the pieces are not the whole")
    return pieces
