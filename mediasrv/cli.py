"""The command line: its grammar, its exit codes. What a command does stands in ``commands/``.

Exit codes: 0 for success, 1 for what failed (a port that is taken, a call that nobody answered), 2 for a wrong command
line, 78 (``EX_CONFIG`` of sysexits) for a configuration that must be mended, 130 for Ctrl-C. An error is one line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from mediasrv.commands import call, calls, check, demo, dial, install_service, providers, replay, serve, wire
from mediasrv.commands.base import FAILED, MISCONFIGURED
from mediasrv.errors import ConfigError, MediasrvError
from mediasrv.journal import LEVELS, start_logging

INTERRUPTED = 130

COMMANDS = (serve, demo, call, dial, wire, calls, check, replay, install_service, providers)
"""In the order of ``--help``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; raise ``SystemExit`` for ``--help`` and a wrong command line."""
    flags = grammar().parse_args(arguments)
    try:
        start_logging(_log_level(flags))
        code: int = flags.run(flags)
        sys.stdout.flush()
    except ConfigError as error:
        return _complain(error, MISCONFIGURED)
    except MediasrvError as error:
        return _complain(error, FAILED)
    except BrokenPipeError:
        # Whoever read our output has seen enough; what is left must not make the interpreter complain at its exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def grammar() -> argparse.ArgumentParser:
    """What may be said on the command line."""
    parser = argparse.ArgumentParser(
        prog="mediasrv",
        usage="mediasrv [-h] [--version] COMMAND ...",
        description="A media server that puts AI voice agents on the telephone.",
    )
    parser.add_argument("--version", nargs=0, action=_Version, help="print the version and exit")
    commands = parser.add_subparsers(title="commands", prog="mediasrv", metavar="COMMAND ...", required=True)
    for command in COMMANDS:
        command.add(commands)
    return parser


class _Version(argparse.Action):
    """Prints the version, which is looked up only then."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"mediasrv {version('mediasrv')}")
        parser.exit()


def _log_level(flags: argparse.Namespace) -> str:
    level: str = flags.log_level or os.environ.get("MEDIASRV_LOG_LEVEL", "").lower() or flags.usual_log_level
    if level not in LEVELS:
        raise ConfigError(f"MEDIASRV_LOG_LEVEL: expected one of {', '.join(LEVELS)}, got {level!r}")
    return level


def _complain(error: MediasrvError, code: int) -> int:
    print(f"mediasrv: {' '.join(str(error).split())}", file=sys.stderr)
    return code
