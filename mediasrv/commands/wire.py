"""``mediasrv wire``: points a number at this server, and puts back what was there."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import add_command, add_config, in_loop, settings_of
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from mediasrv.config import Settings


def add(commands: Any) -> None:
    """Teach the parser."""
    wire = add_command(commands, "wire", _wire, "point a Plivo number at this server", log_level="warning")
    wire.add_argument("number", metavar="NUMBER", help="a number of the account, such as +912212345678")
    wire.add_argument("--agent", default="default", help="who answers (default: default)")
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
    number, memory = number_of(flags.number), Memory(flags.state or state_file())
    print(in_loop(_change(settings, memory, number, flags.agent, undo=flags.undo)))
    return 0


async def _change(settings: Settings, memory: Any, number: str, agent: str, *, undo: bool) -> str:
    from mediasrv.carriers.plivo_account import PlivoAccount
    from mediasrv.carriers.plivo_rest import PlivoApi
    from mediasrv.carriers.wiring import application_for, unwire, wire

    api = PlivoApi(settings.plivo)
    try:
        account = PlivoAccount(api)
        if undo:
            return f"{number} belongs to application {await unwire(account, memory, number)} again"
        application = application_for(agent, settings.server.public_url)
        wired = await wire(account, memory, number, application)
        return f"{number} belongs to application {wired.application} ({application.name}): {application.answer_url}"
    finally:
        await api.aclose()
