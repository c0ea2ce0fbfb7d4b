"""``mediasrv dial``: a call of ours, or a campaign of them, through the rules.

It leaves orders in the records, where the server that attends to them finds them; so it may be killed, and run again,
and nobody is called twice.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import FAILED, add_command, add_config, in_loop, outbound_of, records_of, settings_of
from mediasrv.errors import ConfigError, MediasrvError

if TYPE_CHECKING:
    from mediasrv.config import Settings
    from mediasrv.outbound.dialer import Dialer
    from mediasrv.outbound.order import Standing
    from mediasrv.outbound.outbound import Outbound
    from mediasrv.outbound.request import DialRequest

LOOK_EVERY_S = 0.5
"""How often the records are asked how it goes."""


def add(commands: Any) -> None:
    """Teach the parser."""
    dial = add_command(
        commands, "dial", _dial, "call somebody, or everybody in a file, where the rules allow it", log_level="error"
    )
    add_config(dial)
    dial.add_argument("number", nargs="?", metavar="NUMBER", help="who is called, in E.164, such as +912212345678")
    dial.add_argument(
        "--campaign", type=Path, metavar="FILE", help="CSV file of callees: number, zone and what you like"
    )
    dial.add_argument(
        "--name", default="", help="the campaign's name (default: the file's): in it nobody is called twice"
    )
    dial.add_argument("--agent", default="default", metavar="NAME", help="who speaks (default: default)")
    dial.add_argument("--body", default="", metavar="JSON", help="object that is handed to the agent")
    dial.add_argument(
        "--purpose", default="transactional", help="promotional, service or transactional (default: transactional)"
    )
    dial.add_argument("--zone", default="", help="where the callee lives, such as America/New_York")
    dial.add_argument(
        "--from", dest="from_number", default="", metavar="NUMBER", help="who is shown, if not as configured"
    )
    dial.add_argument(
        "--dry-run", action="store_true", help="tell what would be refused by which rule, and call nobody"
    )
    dial.add_argument("--no-wait", action="store_true", help="leave the orders and do not wait for the calls")


def _dial(flags: argparse.Namespace) -> int:
    if bool(flags.number) == bool(flags.campaign):
        flags.parser.error("expected a NUMBER or --campaign FILE")
    from mediasrv.outbound.request import DialRequest

    request = DialRequest(
        number=flags.number or "",
        agent=flags.agent,
        body=_body(flags),
        purpose=flags.purpose,
        zone=flags.zone,
        from_number=flags.from_number,
        campaign=(flags.name or flags.campaign.stem) if flags.campaign else "",
    )
    work = _dial_campaign if flags.campaign else _dial_one
    return in_loop(_with_dialer(settings_of(flags), lambda each: work(each, request, flags)))


def _body(flags: argparse.Namespace) -> dict[str, Any]:
    try:
        body = json.loads(flags.body or "{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        flags.parser.error("--body: expected a JSON object")
    return dict(body)


class _Elsewhere:
    """The server that will make the calls, as far as its configuration tells."""

    def __init__(self, settings: Settings) -> None:
        self._agents = settings.agents

    def has_agent(self, name: str) -> bool:
        """Whether there is such an agent."""
        return name in self._agents

    def prepare(self, agent_name: str) -> None:
        """The server does."""

    def inbound_calls(self) -> int:
        """The server counts."""
        return 0


class _Desk:
    """Where orders are left."""

    def __init__(self, outbound: Outbound, settings: Settings) -> None:
        self.dialer: Dialer = outbound.dialer(_Elsewhere(settings))
        self.is_attended = outbound.is_attended


async def _with_dialer(settings: Settings, work: Callable[[_Desk], Awaitable[int]]) -> int:
    records = records_of(settings)
    outbound = outbound_of(settings, records)
    if records is None or outbound is None:
        raise ConfigError("nobody can be called: set outbound.from_number, the number that calls come from")
    async with AsyncExitStack() as stack:
        stack.push_async_callback(records.aclose)
        await records.start()
        stack.push_async_callback(outbound.aclose)
        return await work(_Desk(outbound, settings))


# -- one call ----------------------------------------------------------------------------------------------------------


async def _dial_one(desk: _Desk, request: DialRequest, flags: argparse.Namespace) -> int:
    if flags.dry_run:
        await desk.dialer.check(request)
        print("no rule forbids it")
        return 0
    order_id = await desk.dialer.dial(request)
    print(f"order {order_id}", flush=True)
    if flags.no_wait:
        return 0
    from asyncio import sleep

    _tell_if_nobody_attends(desk)
    shown = ""
    while True:
        standing = await desk.dialer.standing(order_id)
        if standing is None:
            raise MediasrvError("the order was erased")
        if (line := _line(standing)) != shown:
            shown = line
            print(line, flush=True)
        if standing.is_settled:
            return 0 if standing.state.value == "ended" else FAILED
        await sleep(LOOK_EVERY_S)


def _line(standing: Standing) -> str:
    machine = ", by a machine" if standing.machine else ""
    return f"{standing.state.value}{machine}{f' ({standing.cause})' if standing.cause else ''}"


def _tell_if_nobody_attends(desk: _Desk) -> None:
    if not desk.is_attended():
        print("mediasrv: no server attends to calls: they wait until `mediasrv serve` runs", file=sys.stderr)


# -- a campaign --------------------------------------------------------------------------------------------------------


async def _dial_campaign(desk: _Desk, common: DialRequest, flags: argparse.Namespace) -> int:
    from mediasrv.commands.progress import Bar
    from mediasrv.outbound.campaign import Flaw, read_campaign
    from mediasrv.outbound.request import DialRefused

    work = desk.dialer.check if flags.dry_run else desk.dialer.dial
    bar = Bar(sys.stderr)
    refused: dict[str, int] = {}
    ordered = flaws = 0
    for row in read_campaign(flags.campaign, common):
        if isinstance(row, Flaw):
            bar.say(str(row))
            flaws += 1
            continue
        try:
            await work(row.request)
            ordered += 1
        except DialRefused as refusal:
            bar.say(f"line {row.line}: {refusal}")
            refused[refusal.rule] = refused.get(refusal.rule, 0) + 1
        bar.show(0, 0, f"{ordered} {'allowed' if flags.dry_run else 'ordered'}, {sum(refused.values())} refused")
    bar.end()
    print(f"{ordered} {'would be called' if flags.dry_run else 'ordered'}, {flaws} malformed")
    for rule, count in sorted(refused.items()):
        print(f"{count} refused: {rule}")
    if not flags.dry_run and not flags.no_wait and ordered:
        _tell_if_nobody_attends(desk)
        await _watch(desk.dialer, common.campaign, bar)
    return FAILED if flaws or refused else 0


async def _watch(dialer: Dialer, campaign: str, bar: Any) -> None:
    """Show how it goes until all is over."""
    from asyncio import sleep

    from mediasrv.outbound.order import State

    while True:
        counts = await dialer.progress(campaign)
        done = counts[State.ENDED] + counts[State.FAILED]
        going = ", ".join(f"{counts[state]} {state.value}" for state in State if counts[state])
        bar.show(done, counts.total(), going)
        if done == counts.total():
            bar.end()
            print(going)
            return
        await sleep(LOOK_EVERY_S)
