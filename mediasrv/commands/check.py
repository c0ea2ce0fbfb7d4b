"""``mediasrv check``: is the configuration good, and does all answer that it names?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import FAILED, MISCONFIGURED, add_command, add_config, in_loop, settings_of

if TYPE_CHECKING:
    from mediasrv.config import Settings


def add(commands: Any) -> None:
    """Teach the parser."""
    check = add_command(
        commands, "check", _check, "validate the configuration and print it, secrets masked", log_level="warning"
    )
    add_config(check)
    check.add_argument("--live", action="store_true", help="also try each provider, with a verdict a line")


def _check(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.config import masked

    Agency(settings.agents)
    print(masked(settings), end="", flush=True)
    return _check_live(settings) if flags.live else 0


def _check_live(settings: Settings) -> int:
    from mediasrv import livecheck
    from mediasrv.config import provider_tables

    print(flush=True)
    reports = in_loop(livecheck.run(provider_tables(settings), livecheck.standard_trial()))
    if any(report.is_misconfigured for report in reports):
        return MISCONFIGURED
    return 0 if all(report.ok for report in reports) else FAILED
