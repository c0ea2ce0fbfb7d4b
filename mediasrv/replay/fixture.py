"""A capture as a test: unsealed, beside a test that runs it again.

    magic ─ deflated lines

Nobody needs a key for it, so whoever has it can read what was said, unless the capture was redacted.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from mediasrv.records.recordingfiles import CAPTURE_SUFFIX
from mediasrv.replay.codec import CaptureError, encode
from mediasrv.replay.comparison import Line
from mediasrv.replay.file import parsed
from mediasrv.replay.player import Replayed, replay

MAGIC = b"mediasrv capture 2\n"
_MAGICS = (b"mediasrv capture 1\n", MAGIC)

_TEST = '''"""A call that was captured, run again."""

from pathlib import Path

from mediasrv.replay.fixture import replay_fixture
from mediasrv.replay.telling import told


def test_{name}_goes_as_it_went() -> None:
    replayed = replay_fixture(Path(__file__).with_suffix("{suffix}"))
    assert replayed.difference is None, told(replayed.difference)
'''


def is_fixture(file: BinaryIO) -> bool:
    """Whether the file is an unsealed capture; it is read from its beginning again."""
    found = file.read(len(MAGIC)) in _MAGICS
    file.seek(0)
    return found


def read_fixture(file: BinaryIO) -> tuple[dict[str, Any], list[Line]]:
    """An unsealed capture's header and lines; raise ``CaptureError``."""
    if file.read(len(MAGIC)) not in _MAGICS:
        raise CaptureError("the file holds no capture")
    try:
        text = zlib.decompress(file.read())
    except zlib.error:
        raise CaptureError("the file was changed, or breaks off") from None
    header, lines = parsed(text)
    return header, list(lines)


def write_test(path: Path, header: Mapping[str, Any], lines: Sequence[Line]) -> list[Path]:
    """Write a test to ``path`` and its capture beside it; return what was written. Raise ``OSError``."""
    name = re.sub(r"\W+", "_", path.stem.removeprefix("test_")).strip("_") or "the_call"
    text = b"\n".join(orjson.dumps(encode(line)) for line in [["header", header], *lines])
    fixture = path.with_suffix(CAPTURE_SUFFIX)
    fixture.write_bytes(MAGIC + zlib.compress(text, 9))
    path.write_text(_TEST.format(name=name, suffix=CAPTURE_SUFFIX), encoding="utf-8")
    return [path, fixture]


def replay_fixture(path: Path) -> Replayed:
    """Run an unsealed capture again; raise ``CaptureError``."""
    with path.open("rb") as file:
        return replay(*read_fixture(file))
