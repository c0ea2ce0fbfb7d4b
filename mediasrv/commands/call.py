"""``mediasrv call``: the simulated caller against any server."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from mediasrv.commands.base import add_command, in_loop
from mediasrv.errors import ConfigError


def add(commands: Any) -> None:
    """Teach the parser."""
    call = add_command(commands, "call", _call, "call a server as a carrier would", log_level="warning")
    call.add_argument("url", metavar="URL", help="the server's stream, such as ws://127.0.0.1:8080/plivo/stream")
    call.add_argument(
        "--wav", nargs="+", action="extend", type=Path, default=[], metavar="FILE", help="recordings to speak, in order"
    )
    call.add_argument(
        "--say", action="append", default=[], metavar="TEXT", help="sentence to speak with the local voice, repeatable"
    )
    call.add_argument("--carrier", default="plivo", help="carrier to be (default: plivo)")
    call.add_argument("--codec", default="", help="mulaw, l16 or l16-16000 (default: the carrier's usual one)")
    call.add_argument("--out", type=Path, metavar="FILE", help="where the stereo recording goes")
    call.add_argument("--json", action="store_true", help="print the report as JSON")
    call.add_argument("--mic", action="store_true", help="speak yourself, until Ctrl-C")


def _call(flags: argparse.Namespace) -> int:
    from mediasrv.simulator import command
    from mediasrv.simulator.carriers import carrier_named

    if not flags.url.startswith(("ws://", "wss://")):
        flags.parser.error(f"expected a URL that begins with ws:// or wss://, got {flags.url!r}")
    if flags.out and not flags.out.parent.is_dir():
        flags.parser.error(f"there is no folder {flags.out.parent} to write {flags.out.name} to")
    try:
        command.stream_format(carrier_named(flags.carrier), flags.codec)
    except ConfigError as error:
        flags.parser.error(str(error))
    options = command.CallOptions(
        url=flags.url,
        wav=tuple(flags.wav),
        say=tuple(flags.say),
        carrier=flags.carrier,
        codec=flags.codec,
        out=flags.out,
        json=flags.json,
        mic=flags.mic,
    )

    async def place() -> int:
        from mediasrv.localvoice import LocalVoice

        async with LocalVoice() as voice:
            return await command.place(options, voice.render)

    return in_loop(place() if options.say else command.place(options))
