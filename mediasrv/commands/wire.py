"""``mediasrv wire``: points a number at this server, and puts back what was there."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import add_command, add_config, in_loop, settings_of
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from mediasrv.carriers.account import Account
    from mediasrv.carriers.wiring import Memory
    from mediasrv.config import Settings


def add(commands: Any) -> None:
    """Teach the parser."""
    wire = add_command(commands, "wire", _wire, "point a number at this server", log_level="warning")
    wire.add_argument("number", metavar="NUMBER", help="a number of the account, such as +912212345678")
    wire.add_argument("--agent", default="default", help="who answers (default: default)")
    wire.add_argument(
        "--carrier",
        choices=("plivo", "twilio", "telnyx", "exotel"),
        default="plivo",
        help="whose it is (default: plivo)",
    )
    wire.add_argument("--undo", action="store_true", help="put back what was there")
    wire.add_argument("--state", type=Path, metavar="FILE", help="where what was there is remembered")
    add_config(wire)


def state_file() -> Path:
    """Where wired numbers are remembered, by the XDG base directory specification."""
    home = os.environ.get("STATE_DIRECTORY") or os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "mediasrv" / "wired.json"


def _wire(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    from mediasrv.carriers.wiring import Memory, number_of

    if flags.agent not in settings.agents:
        raise ConfigError(f"there is no agent {flags.agent!r}; there is {', '.join(settings.agents)}")
    if flags.carrier == "exotel":
        address = f"{settings.server.public_url or 'https://voice.example.in'}/exotel/answer?agent={flags.agent}"
        raise ConfigError(
            f"Exotel has no API for that: give its Voicebot applet {address}, with the stream's credentials"
        )
    number, memory = number_of(flags.number), Memory(flags.state or state_file())
    print(in_loop(_change(settings, memory, number, flags)))
    return 0


def account_of(settings: Settings, carrier: str) -> Account:
    """A carrier's numbers; raise ``ConfigError`` where the account is not known."""
    if carrier == "twilio":
        from mediasrv.carriers.twilio_account import TwilioAccount
        from mediasrv.carriers.twilio_rest import TwilioControl

        return TwilioAccount(TwilioControl(settings.twilio))
    if carrier == "telnyx":
        from mediasrv.carriers.telnyx_account import TelnyxAccount
        from mediasrv.carriers.telnyx_rest import TelnyxControl

        return TelnyxAccount(TelnyxControl(settings.telnyx))
    from mediasrv.carriers.plivo_account import PlivoAccount
    from mediasrv.carriers.plivo_rest import PlivoApi

    return PlivoAccount(PlivoApi(settings.plivo))


async def _change(settings: Settings, memory: Memory, number: str, flags: argparse.Namespace) -> str:
    from mediasrv.carriers.wiring import application_for, unwire, wire

    known = memory.wired.get(number)
    carrier = known.carrier if flags.undo and known else flags.carrier
    account = account_of(settings, carrier)
    try:
        if flags.undo:
            earlier = await unwire(account, memory, number)
            if carrier == "twilio":
                before = await account.application(earlier)
                return f"{number} is answered by {before.id or before.answer_url or 'nobody'} again"
            return f"{number} belongs to application {earlier} again"
        application = application_for(flags.agent, settings.server.public_url, carrier)
        wired = await wire(account, memory, number, application, carrier)
        if carrier == "twilio":
            return f"{number} is answered by {application.answer_url}"
        return f"{number} belongs to application {wired.application} ({application.name}): {application.answer_url}"
    finally:
        await account.aclose()
