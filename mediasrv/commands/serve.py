"""``mediasrv serve``: the server."""

from __future__ import annotations

import argparse
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

from mediasrv.commands.base import add_command, add_config, in_loop, settings_of
from mediasrv.errors import ConfigError

if TYPE_CHECKING:
    from mediasrv.call.observer import Observer
    from mediasrv.config import Settings
    from mediasrv.records.recordings import Recordings


def add(commands: Any) -> None:
    """Teach the parser."""
    serve = add_command(commands, "serve", _serve, "run the server; SIGTERM lets live calls end first")
    add_config(serve)
    serve.add_argument("--host", help="address to listen on, in place of server.host")
    serve.add_argument("--port", type=int, help="port to listen on, in place of server.port")


def _serve(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.call.observers import Observers
    from mediasrv.records.records import Records
    from mediasrv.server.metrics import Metrics
    from mediasrv.server.service import Service

    async def serve() -> None:
        metrics = Metrics()
        records = Records.configured(settings.records, settings.recording)
        observer = Observers(metrics, records.chronicle) if records else metrics
        recordings = _recordings(settings, observer)
        agency = Agency(settings.agents, expected_format=settings.stream_format, observer=observer, recorder=recordings)
        service = Service(settings.server, settings.plivo, agency, metrics)
        async with AsyncExitStack() as stack:
            if records is not None:
                stack.push_async_callback(records.aclose)
                await records.start()
                records.attend()
            if recordings is not None:
                stack.push_async_callback(recordings.aclose)
                recordings.start()
            await service.start()
            await service.run()

    in_loop(serve())
    return 0


def _recordings(settings: Settings, observer: Observer) -> Recordings | None:
    """Who keeps recordings, where there is a key to seal them with."""
    if not settings.recording.key:
        return None
    try:
        from mediasrv.records.recordings import Recordings
        from mediasrv.records.sealed import read_key
    except ImportError:
        raise ConfigError(
            "recordings are sealed with the cryptography package: pip install 'mediasrv[crypto]'"
        ) from None
    key = read_key(settings.recording.key)
    return Recordings(settings.recording.path, key, observer.recorded)
