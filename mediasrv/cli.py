"""The command line. Each command imports what it needs when it runs, so that ``--help`` is there at once.

Exit codes: 0 for success, 1 for what failed (a port that is taken, a call that nobody answered), 2 for a wrong command
line, 78 (``EX_CONFIG`` of sysexits) for a configuration that must be mended, 130 for Ctrl-C. An error is one line.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mediasrv.errors import ConfigError, MediasrvError
from mediasrv.journal import LEVELS, start_logging

if TYPE_CHECKING:
    from mediasrv.config import Settings

FAILED = 1
MISCONFIGURED = 78
INTERRUPTED = 130

T = TypeVar("T")


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

    serve = _command(commands, _serve, "run the server; SIGTERM lets live calls end first")
    _add_config(serve)
    serve.add_argument("--host", help="address to listen on, in place of server.host")
    serve.add_argument("--port", type=int, help="port to listen on, in place of server.port")

    demo = _command(commands, _demo, "hear and see a whole call on this machine's local models", log_level="warning")
    demo.add_argument("--mic", action="store_true", help="talk with the agent yourself")
    demo.add_argument(
        "--out-dir", type=Path, default=Path(), metavar="DIR", help="where call.wav and call.png go (default: here)"
    )

    call = _command(commands, _call, "call a server as a carrier would", log_level="warning")
    _add_call(call)

    check = _command(commands, _check, "validate the configuration and print it, secrets masked", log_level="warning")
    _add_config(check)
    check.add_argument("--live", action="store_true", help="also try each provider, with a verdict a line")

    _command(commands, _providers, "list speech-to-text, language models and text-to-speech", log_level="warning")
    return parser


def _add_call(call: argparse.ArgumentParser) -> None:
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


def _add_config(command: argparse.ArgumentParser) -> None:
    command.add_argument("--config", type=Path, metavar="FILE", help="TOML file; without one, an agent on local models")


def _command(
    commands: Any, run: Callable[[argparse.Namespace], int], meaning: str, *, log_level: str = "info"
) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = commands.add_parser(
        run.__name__.removeprefix("_"), help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}."
    )
    command.add_argument("--log-level", choices=LEVELS, help=f"least important log lines (default: {log_level})")
    command.set_defaults(run=run, parser=command, usual_log_level=log_level)
    return command


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


def _settings(flags: argparse.Namespace) -> Settings:
    """Read and check the whole configuration, the providers' own keys included."""
    from mediasrv.config import check_providers, load

    overrides = {f"server.{name}": getattr(flags, name, None) for name in ("host", "port")}
    settings = load(flags.config, os.environ, overrides)
    check_providers(settings)
    return settings


def _in_loop(work: Coroutine[Any, Any, T]) -> T:
    import uvloop

    result: T = uvloop.run(work)
    return result


def _serve(flags: argparse.Namespace) -> int:
    settings = _settings(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.server.metrics import Metrics
    from mediasrv.server.service import Service

    async def serve() -> None:
        metrics = Metrics()
        agency = Agency(settings.agents, expected_format=settings.stream_format, observer=metrics)
        service = Service(settings.server, settings.plivo, agency, metrics)
        await service.start()
        await service.run()

    _in_loop(serve())
    return 0


def _demo(flags: argparse.Namespace) -> int:
    from mediasrv import demo

    try:
        flags.out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        flags.parser.error(f"cannot make the folder {flags.out_dir}: {error.strerror}")
    return _in_loop(demo.run(flags.out_dir, flags.mic))


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

    return _in_loop(place() if options.say else command.place(options))


def _check(flags: argparse.Namespace) -> int:
    settings = _settings(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.config import masked

    Agency(settings.agents)
    print(masked(settings), end="", flush=True)
    return _check_live(settings) if flags.live else 0


def _check_live(settings: Settings) -> int:
    from mediasrv import livecheck
    from mediasrv.config import provider_tables

    print(flush=True)
    reports = _in_loop(livecheck.run(provider_tables(settings), livecheck.standard_trial()))
    if any(report.is_misconfigured for report in reports):
        return MISCONFIGURED
    return 0 if all(report.ok for report in reports) else FAILED


def _providers(_: argparse.Namespace) -> int:
    from mediasrv.providers.registry import describe

    for info in describe():
        print(f"{info.stage} {info.name:<12} {info.missing or 'ready'}")
        for name, shape in info.options.items():
            print(f"      {name}: {shape}")
    return 0
