"""Captures on disk: whole, sealed, or told to be neither."""

from __future__ import annotations

import io
import os
from pathlib import Path
from unittest.mock import patch

import orjson
import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import ConfigError, MediasrvError
from mediasrv.records import recordings
from mediasrv.records.sealed import Sealer, SealError
from mediasrv.replay.codec import CaptureError
from mediasrv.replay.file import KIND, PIECE_BYTES, VERSION, Captures, parsed, read_capture
from mediasrv.wire.events import Mark

KEY = bytes(range(32))
LINES = [["sent", Mark(f"mark number {number}")] for number in range(5000)]


async def _kept(folder: Path, *, redact: bool = False) -> Path:
    captures = Captures(folder, KEY, redact=redact, retain_days=1)
    captures.start()
    kept = captures.open("call-1", MULAW_8K)
    kept.begin({"began_s": 1.0})
    for line in LINES:
        kept.note(line)
    kept.close()
    kept.close()
    kept.note(["sent", Mark("too late")])
    await captures.aclose()
    return next(folder.glob("*.capture"))  # noqa: ASYNC240


def _read(data: bytes, key: bytes = KEY) -> object:
    return read_capture(io.BytesIO(data), key)


async def test_what_was_noted_is_read_again(tmp_path: Path) -> None:
    path = await _kept(tmp_path)
    header, lines = read_capture(path.open("rb"), KEY)
    assert header == {"began_s": 1.0, "is_redacted": False}
    assert lines == LINES
    assert len(LINES) * 50 > PIECE_BYTES, "it takes several pieces"
    assert path.stat().st_mode & 0o777 == 0o600
    assert b"mark number" not in path.read_bytes()


async def test_a_file_that_is_not_as_it_was_is_refused(tmp_path: Path) -> None:
    data = (await _kept(tmp_path)).read_bytes()
    with pytest.raises(SealError, match="another key"):
        _read(data, bytes(32))
    with pytest.raises(SealError, match="breaks off"):
        _read(data[:-1])
    with pytest.raises(SealError, match="was changed"):
        _read(data[:-30] + bytes([data[-30] ^ 1]) + data[-29:])
    with pytest.raises(SealError, match="no sealed file"):
        _read(b"something else")


def _sealed(header: object, *pieces: bytes) -> bytes:
    sealer = Sealer(KEY, orjson.dumps(header))
    return sealer.beginning + b"".join(sealer.seal(piece, is_last=piece is pieces[-1]) for piece in pieces)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (_sealed({"call": "a recording"}, b""), "holds no capture"),
        (_sealed({"kind": "recording", "version": 1}, b""), "holds no capture"),
        (_sealed({"kind": KIND, "version": VERSION + 1}, b""), "of version 3, and this mediasrv reads version 2"),
        (_sealed({"kind": KIND, "version": VERSION}, b"not deflated"), "holds no capture"),
    ],
    ids=["a recording", "a recording of its own kind", "another version", "not deflated"],
)
def test_a_sealed_file_of_another_kind_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        _read(data)


@pytest.mark.parametrize("text", [b"", b"{}", b"nothing", b'["sent",1]', b'["header"]'])
def test_lines_that_are_no_capture_are_refused(text: bytes) -> None:
    with pytest.raises(CaptureError, match="holds no capture"):
        parsed(text)


async def test_a_disk_that_is_too_slow_ends_the_capture_and_says_so(tmp_path: Path) -> None:
    with patch.object(recordings, "WAITING_BYTES", 10):
        path = await _kept(tmp_path)
    with pytest.raises(CaptureError, match="not whole"):
        read_capture(path.open("rb"), KEY)


async def test_old_captures_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    for name in ("old.capture", "new.capture", "old.txt"):
        (tmp_path / name).touch()
    for name in ("old.capture", "old.txt"):
        os.utime(tmp_path / name, (0, 0))
    captures = Captures(tmp_path, KEY, redact=False, retain_days=1)
    captures.start()
    await captures.aclose()
    assert sorted(os.listdir(tmp_path)) == ["new.capture", "old.txt"]


async def test_captures_are_kept_for_ever_where_that_is_wanted(tmp_path: Path) -> None:
    old = tmp_path / "old.capture"
    old.touch()
    os.utime(old, (0, 0))
    captures = Captures(tmp_path, KEY, redact=False, retain_days=0)
    captures.start()
    await captures.aclose()
    assert old.exists()


async def test_a_folder_that_cannot_be_made_is_told_by_its_table(tmp_path: Path) -> None:
    (tmp_path / "taken").touch()
    captures = Captures(tmp_path / "taken", KEY, redact=False, retain_days=1)
    with pytest.raises(ConfigError, match=r"^record.folder .* cannot be written"):
        captures.start()


def test_our_errors_are_of_one_tree() -> None:
    assert issubclass(CaptureError, MediasrvError)
