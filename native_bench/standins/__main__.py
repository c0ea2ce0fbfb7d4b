"""Run a stand-in as a process of its own: ``python -m native_bench.standins deepgram --port 9000 final_ms=100``.

Writes its origin in one line, then serves until it is interrupted. Options are keyword arguments of the stand-in's
class; whole numbers, decimals, and anything else as text.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from native_bench import standins
from native_bench.standins.base import Standin

NOT_STANDINS = {
    *("__main__", "base", "chat", "dictation", "httpspeaking", "realtime", "recital", "session", "speaking"),
    *("plivo_callbacks", "plivo_exchange", "plivo_fields", "plivo_leg"),
}


def find(name: str) -> type[Standin]:
    """The stand-in of a name; raise ``SystemExit`` with the known names when there is none."""
    modules = [each.name for each in iter_modules(standins.__path__) if each.name not in NOT_STANDINS]
    if name not in modules:
        raise SystemExit(f"unknown stand-in {name!r}; known are {', '.join(sorted(modules))}")
    module = import_module(f"native_bench.standins.{name}")
    return next(
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Standin) and getattr(value, "name", None) == name
    )


def number(text: str) -> int | float | str:
    """An option's value."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


async def serve(standin: Standin) -> None:
    """Serve until SIGINT or SIGTERM."""
    ended = asyncio.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(signum, ended.set)
    async with standin as url:
        print(url, flush=True)
        await ended.wait()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m native_bench.standins", description=__doc__)
    parser.add_argument("name")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("options", nargs="*", metavar="KEY=VALUE")
    args = parser.parse_args(argv)
    options: dict[str, Any] = {key: number(value) for key, _, value in (each.partition("=") for each in args.options)}
    asyncio.run(serve(find(args.name)(port=args.port, **options)))


if __name__ == "__main__":
    main()
