"""``mediasrv demo``: a whole call on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mediasrv.commands.base import add_command, in_loop


def add(commands: Any) -> None:
    """Teach the parser."""
    demo = add_command(
        commands, "demo", _demo, "hear and see a whole call on this machine's local models", log_level="warning"
    )
    demo.add_argument("--mic", action="store_true", help="talk with the agent yourself")
    demo.add_argument(
        "--out-dir", type=Path, default=Path(), metavar="DIR", help="where call.wav and call.png go (default: here)"
    )


def _demo(flags: argparse.Namespace) -> int:
    from mediasrv import demo

    try:
        flags.out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        flags.parser.error(f"cannot make the folder {flags.out_dir}: {error.strerror}")
    return in_loop(demo.run(flags.out_dir, flags.mic))
