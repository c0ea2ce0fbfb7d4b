"""``mediasrv calls``: what is remembered of calls, and what is not to be remembered any longer.

It opens the file of the records itself, so that it works whether or not the server runs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mediasrv.commands.base import FAILED, add_command, add_config, in_loop
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from mediasrv.commands.callsheet import Shown
    from mediasrv.records.archive import Wanted
    from mediasrv.records.records import Records

DEFAULT_MOST = 20
# https://www.sqlite.org/fileformat.html#magic_header_string
_MAGIC = b"SQLite format 3\0"

T = TypeVar("T")


def add(commands: Any) -> None:
    """Teach the parser."""
    meaning = "look at the records of calls, export them, erase a number from them"
    calls = commands.add_parser("calls", help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
    verbs = calls.add_subparsers(title="commands", prog="mediasrv calls", metavar="COMMAND ...", required=True)
    listing = _add_verb(verbs, "list", _list, "list calls, newest first")
    listing.add_argument("--number", default="", metavar="N", help="only calls from or to this number")
    listing.add_argument("--agent", default="", metavar="NAME", help="only calls that this agent was on")
    listing.add_argument("--live", action="store_true", help="only calls that are not over")
    listing.add_argument("--most", type=int, default=DEFAULT_MOST, metavar="COUNT", help="how many (default: 20)")
    show = _add_verb(verbs, "show", _show, "show all that is known of a call: words, waterfall, usage")
    show.add_argument("id", metavar="ID", help="the carrier's name for the call")
    for command in (listing, show):
        command.add_argument("--json", action="store_true", help="print JSON, a call a line")
        command.add_argument("--show-numbers", action="store_true", help="print telephone numbers in full")
    recording = _add_verb(verbs, "recording", _recording, "write our own recordings of a call as WAV, the caller left")
    recording.add_argument("id", metavar="ID", help="the carrier's name for the call")
    recording.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="the file; a second recording gets FILE-2, and so on"
    )
    erase = _add_verb(verbs, "erase", _erase, "delete all that is kept of a number, recordings too, for good")
    erase.add_argument("--number", required=True, metavar="N", help="the number, in E.164, such as +919812345678")
    export = _add_verb(verbs, "export", _export, "print all records in full as JSON, one a line")
    export.add_argument("--number", default="", metavar="N", help="only what is kept of this number")
    export.add_argument(
        "--since", type=_day, metavar="DATE", help="only calls from this day on (UTC), such as 2026-11-21"
    )


def _add_verb(verbs: Any, name: str, run: Callable[[argparse.Namespace], int], meaning: str) -> argparse.ArgumentParser:
    verb = add_command(verbs, name, run, meaning, log_level="warning")
    add_config(verb)
    verb.add_argument("--file", type=Path, metavar="FILE", help="the file of the records, in place of records.path")
    return verb


def _day(text: str) -> float:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a date such as 2026-11-21, got {text!r}") from None


def _list(flags: argparse.Namespace) -> int:
    from mediasrv.commands.callsheet import brief
    from mediasrv.records.archive import Wanted

    if flags.most < 1:
        flags.parser.error("--most must be at least 1")
    number = _number(flags, flags.number) if flags.number else ""
    wanted = Wanted(number=number, agent=flags.agent, is_live=flags.live or None, most=flags.most)
    calls = _with_records(flags, lambda records: records.archive.calls(wanted))
    if flags.json:
        for call in calls:
            _print_json(_masked(call, flags))
    else:
        print("\n".join(brief(calls, _shown(flags))))
    return 0


def _show(flags: argparse.Namespace) -> int:
    from mediasrv.commands.callsheet import whole

    call = _known_call(flags)
    if call is None:
        return FAILED
    if flags.json:
        _print_json(_masked(call, flags))
    else:
        print("\n".join(whole(call, _shown(flags))))
    return 0


def _known_call(flags: argparse.Namespace) -> dict[str, Any] | None:
    """The call that is asked for; ``None``, and a line about it, where there is none."""
    call = _with_records(flags, lambda records: records.archive.call(flags.id))
    if call is None:
        print("mediasrv: nothing is known of this call: mediasrv calls list", file=sys.stderr)
    return call


def _recording(flags: argparse.Namespace) -> int:
    from mediasrv.commands.takeout import take_out
    from mediasrv.config import load

    options = load(flags.config).recording
    call = _known_call(flags)
    if call is None:
        return FAILED
    print("\n".join(take_out(call["recordings"], options, flags.out)))
    return 0


def _erase(flags: argparse.Namespace) -> int:
    number = _number(flags, flags.number)
    erased = _with_records(flags, lambda records: records.eraser.erase(number))
    print("erased: " + ", ".join(f"{count} {store}" for store, count in erased.counts.items()))
    if erased.live_calls:
        print(f"{erased.live_calls} calls of this number are not over: erase it again when they are")
    if erased.deleted_elsewhere:
        print(f"{erased.deleted_elsewhere} recordings are deleted at the carrier")
    for place, why in erased.places_later.items():
        print(f"still at the carrier ({why}), asked for again every hour by the server, and by each erasure: {place}")
    for place in erased.places_elsewhere:
        print(f"delete this recording at the carrier: {place}")
    if not erased.is_scrubbed:
        print("somebody else reads the file: what was deleted is gone from its log when it is next written over")
    return 0


def _export(flags: argparse.Namespace) -> int:
    from mediasrv.records.archive import Wanted

    wanted = Wanted(number=_number(flags, flags.number) if flags.number else "", since_s=flags.since)
    _with_records(flags, lambda records: _print_all(records, wanted))
    return 0


async def _print_all(records: Records, wanted: Wanted) -> None:
    async for kind, record in records.archive.everything(wanted):
        _print_json({"kind": kind, **record})


def _number(flags: argparse.Namespace, text: str) -> str:
    from mediasrv.outbound.number import e164

    number = e164(text)
    if not number:
        flags.parser.error("expected a number in E.164, such as +919812345678")
    return number


def _with_records(flags: argparse.Namespace, work: Callable[[Records], Awaitable[T]]) -> T:
    """Open the records for a piece of work; raise ``ConfigError`` where there are none."""
    from dataclasses import replace

    from mediasrv.commands.base import controls_of, records_of
    from mediasrv.config import load

    settings = load(flags.config)
    if flags.file is not None:
        settings = replace(settings, records=replace(settings.records, keep=True, path=str(flags.file)))
    file = settings.records.file
    if file is None:
        raise ConfigError("no records are kept by this configuration: set records.path, or name the file with --file")
    _check_file(file)

    async def use() -> T:
        records = records_of(settings)
        assert records is not None  # there is a file
        controls = records.elsewhere.keepers = controls_of(settings)
        try:
            await records.start()
            return await work(records)
        finally:
            for control in controls.values():
                await control.aclose()
            await records.aclose()

    return in_loop(use())


def _check_file(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(_MAGIC))
    except OSError as error:
        raise ConfigError(f"{file}: cannot read the records: {error.strerror}") from None
    if beginning != _MAGIC:
        raise ConfigError(f"{file}: these are no records")


def _shown(flags: argparse.Namespace) -> Shown:
    """What may be shown of a number."""
    from mediasrv.outbound.number import masked

    return str if flags.show_numbers else lambda number: masked(number) if number else ""


def _masked(call: dict[str, Any], flags: argparse.Namespace) -> dict[str, Any]:
    shown = _shown(flags)
    parties = [leg if leg["kind"] == "agent" else {**leg, "party": shown(leg["party"])} for leg in call.get("legs", ())]
    numbers = {name: shown(call[name]) for name in ("from_number", "to_number")}
    return {**call, **numbers, **({"legs": parties} if parties else {})}


def _print_json(record: dict[str, Any]) -> None:
    import orjson

    print(orjson.dumps(record).decode())
