"""Captures on disk: sealed files of lines, written by a thread.

The loop hands over some seconds of a call at a time and never waits. A line of JSON stands for what came in or went
out, the first for what was known before. What the disk does not take in time ends the capture, never the call.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from mediasrv.audio.format import AudioFormat
from mediasrv.call.recording import Recorded
from mediasrv.records.recordingfiles import CAPTURE_SUFFIX
from mediasrv.records.recordings import Recordings, Reel
from mediasrv.records.sealed import Unsealer
from mediasrv.replay.codec import CaptureError, decode, encode
from mediasrv.replay.redaction import blank

VERSION = 2
_READABLE = (1, VERSION)
"""Before 2 nothing was kept of the wire."""
KIND = "mediasrv capture"
PIECE_BYTES = 64 << 10
"""Handed over at a time."""
_LOST = b'\n["lost"]\n'
_DAY_S = 86_400


class Captures:
    """The folder of captures, and the thread that writes there."""

    def __init__(self, folder: Path, key: bytes, *, redact: bool, retain_days: int) -> None:
        self._thread = Recordings(folder, key, self._finished, table="record")
        self._key = key
        self._redact = redact
        self._retain_days = retain_days

    def start(self) -> None:
        """Make the folder and start; raise ``ConfigError``."""
        self._thread.start()
        self._thread.hand_over(self._tidy, 0)

    async def aclose(self) -> None:
        """Return when all that was handed over is on the disk."""
        await self._thread.aclose()

    @property
    def waiting_bytes(self) -> int:
        """What waits for the disk."""
        return self._thread.waiting_bytes

    @property
    def trouble(self) -> str:
        """Why nothing can be written at the moment; empty when it can."""
        return self._thread.trouble

    @property
    def redact(self) -> bool:
        """Whether words and sounds are left out."""
        return self._redact

    def open(self, call_id: str, audio: AudioFormat) -> CaptureFile:
        """Begin a capture."""
        return CaptureFile(self._thread, call_id, audio, self._key, redact=self._redact)

    def _finished(self, recorded: Recorded) -> None:
        self._thread.hand_over(self._tidy, 0)

    def _tidy(self) -> None:
        """Delete what is old; called by the thread."""
        if not self._retain_days:
            return
        for path in self._thread.folder.glob(f"*{CAPTURE_SUFFIX}"):
            try:
                if path.stat().st_mtime < time.time() - self._retain_days * _DAY_S:
                    path.unlink()
            except OSError:
                continue  # Somebody else was quicker, or it is left to the next time.


class CaptureFile(Reel):
    """One capture; plain calls of the loop, in order."""

    def __init__(self, thread: Recordings, call_id: str, audio: AudioFormat, key: bytes, *, redact: bool) -> None:
        super().__init__(thread, call_id, audio, key, suffix=CAPTURE_SUFFIX, about={"kind": KIND, "version": VERSION})
        self._redact = redact
        self._waiting = bytearray()
        self._is_closed = False

    def begin(self, header: dict[str, Any]) -> None:
        """Write what is known before anything happens."""
        self.note(["header", {**header, "is_redacted": self._redact}])

    def note(self, line: list[Any]) -> None:
        """Write a line."""
        if self._is_closed:
            return
        if self._redact:
            line = blank(line, self._silence(self._audio.bytes_per_sample))
        self._waiting += orjson.dumps(encode(line)) + b"\n"
        if len(self._waiting) >= PIECE_BYTES:
            self._hand_over()

    def close(self) -> None:
        """The call is over."""
        if not self._is_closed:
            self._hand_over()
            self._is_closed = True
            super().close()

    def _hand_over(self) -> None:
        for at in range(0, len(self._waiting), PIECE_BYTES):
            piece = bytes(self._waiting[at : at + PIECE_BYTES])
            if not self._recordings.hand_over(partial(self._append, piece), len(piece)):
                self._is_closed = True
                self._recordings.hand_over(partial(self._append, _LOST), 0)
                super().close()
                break
        self._waiting.clear()

    def _append(self, audio: bytes, *, is_last: bool = False) -> None:
        super()._append(zlib.compress(audio), is_last=is_last)


def read_capture(file: BinaryIO, key: bytes) -> tuple[dict[str, Any], list[list[Any]]]:
    """A capture's header and its lines; raise ``CaptureError``, and ``SealError`` as ``Unsealer`` does."""
    unsealer = Unsealer(file, key)
    try:
        about = orjson.loads(unsealer.header)
        kind, version = about["kind"], about["version"]
    except (ValueError, KeyError, TypeError):
        raise CaptureError("the file holds no capture") from None
    if kind != KIND:
        raise CaptureError("the file holds no capture")
    if version not in _READABLE:
        raise CaptureError(f"the capture is of version {version}, and this mediasrv reads version {VERSION}")
    return parsed(b"".join(_inflated(unsealer)))


def _inflated(unsealer: Unsealer) -> Iterator[bytes]:
    for piece in unsealer.pieces():
        try:
            yield zlib.decompress(piece)
        except zlib.error:
            raise CaptureError("the file holds no capture") from None


def parsed(text: bytes) -> tuple[dict[str, Any], list[list[Any]]]:
    """The header and the lines of an unsealed capture; raise ``CaptureError``."""
    if text.endswith(_LOST):
        raise CaptureError("the capture is not whole: the disk was too slow for it")
    try:
        first, *rest = (decode(orjson.loads(line)) for line in text.splitlines())
        kind, header = first
    except (ValueError, TypeError):
        raise CaptureError("the file holds no capture") from None
    if kind != "header":
        raise CaptureError("the file holds no capture")
    return header, rest
