"""``mediasrv serve``: the server."""

from __future__ import annotations

import argparse
import os
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from socket import socket
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import (
    add_command,
    add_config,
    agency_of,
    captures_of,
    controls_of,
    in_loop,
    outbound_of,
    recordings_of,
    records_of,
    settings_of,
)
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mediasrv.call.agency import Agency
    from mediasrv.config import Settings
    from mediasrv.net.certificate import Certificate
    from mediasrv.records.recordings import Recordings
    from mediasrv.records.records import Records
    from mediasrv.replay.file import Captures
    from mediasrv.server.api.clerk import Means
    from mediasrv.server.board import Board
    from mediasrv.server.console.gallery import Gallery
    from mediasrv.server.fleetgate import Membership
    from mediasrv.server.metrics import Metrics
    from mediasrv.server.port import Port
    from mediasrv.server.tracing import Tracing
    from mediasrv.server.worker import Tether


def add(commands: Any) -> None:
    """Teach the parser."""
    serve = add_command(commands, "serve", _serve, "run the server; SIGTERM lets live calls end first")
    add_config(serve)
    serve.add_argument("--host", help="address to listen on, in place of server.host")
    serve.add_argument("--port", type=int, help="port to listen on, in place of server.port")
    serve.add_argument(
        "--workers", type=_workers, default=0, metavar="N", help="processes that share the calls; auto: one a core"
    )
    serve.add_argument("--leash", type=int, help=argparse.SUPPRESS)


def _workers(text: str) -> int:
    """A number of workers, at least 1."""
    count = len(os.sched_getaffinity(0)) if text == "auto" else int(text)
    if count < 1:
        raise ValueError
    return count


def _serve(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    if flags.workers and settings.fleet.is_on:
        raise ConfigError("workers and a fleet do not go together: start a process for each port, mediasrv@.service")
    return _supervise(flags) if flags.workers else _serve_alone(settings, flags)


def _supervise(flags: argparse.Namespace) -> int:
    """Serve with several processes."""
    from mediasrv.server.port import inherited
    from mediasrv.server.supervisor import Supervisor
    from mediasrv.server.workforce import WorkerError

    given = {"--config": flags.config, "--host": flags.host, "--port": flags.port, "--log-level": flags.log_level}
    options = [str(part) for name, value in given.items() if value is not None for part in (name, value)]
    command = ["-m", "mediasrv", "serve", *options, "--leash"]

    async def supervise() -> None:
        supervisor = Supervisor(lambda: settings_of(flags).server, flags.workers, command, inherited(os.environ))
        await supervisor.start()
        await supervisor.run()

    try:
        in_loop(supervise())
    except WorkerError as error:
        # It has said why.
        return error.code
    return 0


def _serve_alone(settings: Settings, flags: argparse.Namespace) -> int:
    """Serve with this process, on a port of its own or at a supervisor's leash."""
    import asyncio

    from mediasrv.call.observers import Observers
    from mediasrv.carriers.roster import roster
    from mediasrv.outbound.optouts import OptOuts
    from mediasrv.server.board import Board
    from mediasrv.server.broom import Broom
    from mediasrv.server.console.gallery import Gallery
    from mediasrv.server.footprint import give_back
    from mediasrv.server.metrics import Metrics
    from mediasrv.server.service import Service

    async def serve() -> None:
        metrics = Metrics()
        records = records_of(settings)
        opt_outs = OptOuts(records.suppressions) if records else None
        gallery = Gallery(board := Board())
        tracing, fleet = _tracing(settings), _membership(settings, metrics.calls_lost)
        others = [*([records.chronicle, opt_outs] if records and opt_outs else []), *([tracing] if tracing else [])]
        others += [gallery] if settings.api.token else []
        observer = Observers(metrics, board, *others, *([fleet.member] if fleet else []))
        recordings, captures = recordings_of(settings.recording, observer.recorded), captures_of(settings)
        keepers = _watched(recordings, captures, metrics)
        agency_for = partial(agency_of, captures=captures, observer=observer, recorder=recordings)
        certificate = _certificate(settings)

        async def renew() -> Agency:
            if certificate is not None:
                await asyncio.to_thread(certificate.renew, datetime.now(UTC))
            return agency_for(await asyncio.to_thread(settings_of, flags))

        agency = agency_for(settings)
        port = _port(settings, flags, certificate, board)
        outbound = outbound_of(settings, records, metrics.call_forbidden)
        means = _means(settings, gallery, records, recordings, port)
        carriers = roster(settings.twilio, settings.exotel, settings.telnyx)
        service = Service(settings.server, settings.plivo, agency, metrics, carriers, port, outbound, means, fleet)
        async with AsyncExitStack() as stack:
            if tracing is not None:
                stack.push_async_callback(asyncio.to_thread, tracing.aclose)
            for control in means.controls.values():
                stack.push_async_callback(control.aclose)
            if means.lists is not None:
                stack.push_async_callback(means.lists.aclose)
            if records is not None and opt_outs is not None:
                await stack.enter_async_context(records.attended())
                stack.push_async_callback(opt_outs.aclose)
            for keeper in keepers:
                stack.push_async_callback(keeper.aclose)
                keeper.start()
            await service.start()
            asyncio.get_running_loop().run_in_executor(None, give_back)
            stack.enter_context(Broom(lambda: not board.entries))
            # Not waited for: until it runs, a SIGTERM ends it without a word.
            await service.run(renew if flags.leash is None else None)

    in_loop(serve(), captures=settings.record.on)
    return 0


def _watched(
    recordings: Recordings | None, captures: Captures | None, metrics: Metrics
) -> Sequence[Recordings | Captures]:
    """Who keeps recordings and captures, where anybody does; how they are is told."""
    if captures is not None:
        metrics.census.watch_bytes("captures", lambda: captures.waiting_bytes)
    keepers: list[Recordings | Captures] = [each for each in (recordings, captures) if each is not None]
    metrics.watch_recordings(lambda: any(each.trouble for each in keepers))
    return keepers


def _port(
    settings: Settings, flags: argparse.Namespace, certificate: Certificate | None, board: Board
) -> Port | Tether:
    """Where connections come from: a port of our own, or the supervisor at whose leash we are."""
    from mediasrv.server.port import Port, inherited
    from mediasrv.server.worker import Tether

    tls = certificate.context if certificate else None
    if flags.leash is not None:
        return Tether(socket(fileno=flags.leash), board, tls)
    return Port(settings.server.host, settings.server.port, inherited(os.environ), tls)


def _means(
    settings: Settings,
    gallery: Gallery,
    records: Records | None,
    recordings: Recordings | None,
    port: Port | Tether,
) -> Means:
    """What operators have to watch calls with, and to act on them."""
    from mediasrv.outbound.donotcall import DoNotCall
    from mediasrv.server.api.clerk import Means, nobody_else
    from mediasrv.server.worker import Tether

    rules, controls = settings.compliance, controls_of(settings)
    if records is not None:
        records.elsewhere.keepers = controls
    return Means(
        token=settings.api.token,
        board=gallery.board,
        records=records,
        controls=controls,
        lists=DoNotCall(rules) if rules.do_not_call_file or rules.do_not_call_url else None,
        public_url=settings.server.public_url,
        recordings=recordings,
        gallery=gallery,
        others=port.others if isinstance(port, Tether) else nobody_else,
        console_is_public=settings.api.console,
    )


def _certificate(settings: Settings) -> Certificate | None:
    """What the server proves itself with, where that is not left to a proxy."""
    if not settings.server.tls_key_file:
        return None
    from mediasrv.net.certificate import Certificate

    folder = Path(os.environ.get("CREDENTIALS_DIRECTORY") or ".")
    files = (folder / settings.server.tls_certificate_file, folder / settings.server.tls_key_file)
    return Certificate(*files, datetime.now(UTC))


def _tracing(settings: Settings) -> Tracing | None:
    """Who sends traces, where somebody takes them."""
    if not settings.otel.endpoint:
        return None
    try:
        from mediasrv.server.tracing import Tracing
    except ImportError:
        raise ConfigError("otel.endpoint needs OpenTelemetry: pip install 'mediasrv[otel]'") from None
    return Tracing.over_http(settings.otel.endpoint, settings.otel.service_name)


def _membership(settings: Settings, lost: Callable[[int], None]) -> Membership | None:
    """This server's place in a fleet, where there is one."""
    if not settings.fleet.is_on:
        return None
    if not settings.server.public_url:
        raise ConfigError("a server of a fleet needs server.public_url: the origin at which carriers reach it alone")
    try:
        from mediasrv.fleet.member import Member
    except ImportError:
        raise ConfigError("fleet.redis_url needs the redis package: pip install 'mediasrv[fleet]'") from None
    from mediasrv.server.fleetgate import Membership

    return Membership(settings.fleet, Member(settings.fleet, settings.server.max_calls, lost))
