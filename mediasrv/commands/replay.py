"""``mediasrv replay``: run a captured call again.

It needs neither network nor providers, only the key of the capture. It exits with 1 when the call does anything else
than it did.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import FAILED, add_command, add_config
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediasrv.replay.comparison import Line


def add(commands: Any) -> None:
    """Teach the parser."""
    replay = add_command(commands, "replay", _replay, "run a captured call again", log_level="error")
    replay.add_argument("file", type=Path, metavar="FILE", help="a capture, such as [record] keeps")
    add_config(replay)
    replay.add_argument(
        "--to-test",
        type=Path,
        metavar="TEST.py",
        help="write a test that runs the call again, with the capture beside it, unsealed",
    )


def _replay(flags: argparse.Namespace) -> int:
    from mediasrv.replay.player import replay
    from mediasrv.replay.telling import told

    header, lines = _read(flags)
    replayed = replay(header, lines)
    if flags.to_test is not None:
        _write(flags.to_test, header, lines)
    if replayed.difference is not None:
        print(told(replayed.difference))
        return FAILED
    what = "of the same kinds, as the capture is redacted" if header["is_redacted"] else "byte for byte the same"
    messages = f" and {replayed.messages} messages to the carrier" if replayed.messages else ""
    print(f"{replayed.duration_s:.1f} s of a call: {replayed.actions} actions{messages}, {what}")
    return 0


def _read(flags: argparse.Namespace) -> tuple[dict[str, Any], Sequence[Line]]:
    from mediasrv.replay.file import read_capture
    from mediasrv.replay.fixture import is_fixture, read_fixture

    try:
        with flags.file.open("rb") as file:
            if is_fixture(file):
                return read_fixture(file)
            return read_capture(file, _key(flags))
    except OSError as error:
        raise ConfigError(f"{flags.file}: cannot read the capture: {error.strerror}") from None


def _key(flags: argparse.Namespace) -> bytes:
    from mediasrv.config import load
    from mediasrv.records.sealed import read_key

    settings = load(flags.config)
    key = settings.record.key or settings.recording.key
    if not key:
        raise ConfigError("a capture is read with the key that it was sealed with: set record.key_env")
    return read_key(key)


def _write(path: Path, header: dict[str, Any], lines: Sequence[Line]) -> None:
    from mediasrv.replay.fixture import write_test

    try:
        written = write_test(path, header, lines)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written: {error.strerror}") from None
    print(f"wrote {' and '.join(map(str, written))}")
    if not header["is_redacted"]:
        print("the capture is unsealed now: it holds what was said")
