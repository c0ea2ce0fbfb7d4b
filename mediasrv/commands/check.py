"""``mediasrv check``: is the configuration good, and does all answer that it names?"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import FAILED, MISCONFIGURED, add_command, add_config, in_loop, recordings_of, settings_of

if TYPE_CHECKING:
    from mediasrv.config import Settings


def add(commands: Any) -> None:
    """Teach the parser."""
    check = add_command(
        commands, "check", _check, "validate the configuration and print it, secrets masked", log_level="warning"
    )
    add_config(check)
    check.add_argument(
        "--live", action="store_true", help="also try each provider, and the way of a call to each number"
    )
    check.add_argument(
        "--number", action="append", default=[], metavar="NUMBER", help="number to walk to (default: those wired here)"
    )


def _check(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.config import masked

    Agency(settings.agents, recorder=recordings_of(settings.recording))
    print(masked(settings), end="", flush=True)
    return _check_live(settings, flags.number) if flags.live else 0


def _check_live(settings: Settings, numbers: list[str]) -> int:
    from mediasrv import livecheck
    from mediasrv.config import provider_tables

    print(flush=True)
    is_wired = in_loop(_walk(settings, numbers))
    reports = in_loop(livecheck.run(provider_tables(settings), livecheck.standard_trial()))
    if any(report.is_misconfigured for report in reports):
        return MISCONFIGURED
    return 0 if is_wired and all(report.ok for report in reports) else FAILED


async def _walk(settings: Settings, numbers: list[str]) -> bool:
    """Walk the way of a call to each number, or to each that was wired from here; whether all are good."""
    from mediasrv.carriers.plivo_walk import Walk, look
    from mediasrv.carriers.wiring import Memory, number_of
    from mediasrv.commands.wire import account_of, state_file

    is_good, wired = True, Memory(state_file()).wired
    for number in map(number_of, numbers or wired):
        carrier = wired[number].carrier if number in wired else "plivo"
        if carrier != "plivo":
            account = account_of(settings, carrier)
            try:
                verdict = await look(account, carrier, number, settings.server.public_url)
            finally:
                await account.aclose()
            print(verdict, flush=True)
            is_good &= verdict.ok
            continue
        async for verdict in Walk(settings.plivo, settings.server.public_url).take(number):
            print(verdict, flush=True)
            is_good &= verdict.ok
    return is_good
