"""``mediasrv serve``: the server."""

from __future__ import annotations

import argparse
from typing import Any

from mediasrv.commands.base import add_command, add_config, in_loop, settings_of


def add(commands: Any) -> None:
    """Teach the parser."""
    serve = add_command(commands, "serve", _serve, "run the server; SIGTERM lets live calls end first")
    add_config(serve)
    serve.add_argument("--host", help="address to listen on, in place of server.host")
    serve.add_argument("--port", type=int, help="port to listen on, in place of server.port")


def _serve(flags: argparse.Namespace) -> int:
    settings = settings_of(flags)
    from mediasrv.call.agency import Agency
    from mediasrv.server.metrics import Metrics
    from mediasrv.server.service import Service

    async def serve() -> None:
        metrics = Metrics()
        agency = Agency(settings.agents, expected_format=settings.stream_format, observer=metrics)
        service = Service(settings.server, settings.plivo, agency, metrics)
        await service.start()
        await service.run()

    in_loop(serve())
    return 0
