"""How soon is a server ready, and how soon does it greet?

From the start of its process to the first ``/readyz`` that says yes, with an empty cache of compiled kernels and with a
full one; then, of calls one after another, from the ``start`` message to the first audio of the greeting.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mediasrv.errors import MediasrvError
from native_bench.keeping import Progress, append, conduct
from native_bench.load.measured import Load, call, hang_up
from native_bench.load.metronome import Metronome
from native_bench.load.tape import Tape
from native_bench.load.verdict import Spread, plain, spread
from native_bench.load.world import GREETING, Providers, World, providers, serving
from native_bench.machine import described, facts
from native_bench.processes import Placement, placement

GREETING_BUDGET_MS = 50.0
_GREETING_LIMIT_S = 5.0
# Where numba keeps what it compiled.
_CACHE = "NUMBA_CACHE_DIR"


def main() -> int:
    """Measure, print, keep; 1 when the greeting is later than its budget."""
    parser = argparse.ArgumentParser(
        prog="python -m native_bench coldstart", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--empty", type=int, default=2, help="starts with an empty cache (default: %(default)s)")
    parser.add_argument("--full", type=int, default=5, help="starts with a full one (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=50, help="that are greeted (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, as one line")
    flags = parser.parse_args()
    return conduct("coldstart", _coldstart(flags))


async def _coldstart(flags: argparse.Namespace) -> int:
    append(flags.json, [])
    print(described())
    figures: dict[str, Any] = {}
    code = 0
    try:
        await _measure(flags, figures)
    except MediasrvError as error:
        figures["failure"] = str(error)
        print(f"broken off: {error}", file=sys.stderr)
        code = 1
    append(flags.json, [{"case": "coldstart", **facts(), **plain(figures)}])
    greeting = figures.get("greeting_ms")
    return 1 if code or greeting is None or greeting["p99"] > GREETING_BUDGET_MS else 0


async def _measure(flags: argparse.Namespace, figures: dict[str, Any]) -> None:
    bar = Progress(flags.empty + flags.full, "starts")
    cores, tape = placement(), Tape()
    with TemporaryDirectory(prefix="native-bench-") as folder:
        home = Path(folder)
        async with providers(home, tape, cores) as there:
            empty = [await _start(home, there, cores, f"empty-{place}", bar) for place in range(flags.empty)]
            await _start(home, there, cores, "full", bar)
            full = [await _start(home, there, cores, "full", bar) for _ in range(flags.full)]
            bar.end()
            figures |= {"empty_ms": _told("ready, empty cache", empty), "full_ms": _told("ready, full cache", full)}
            async with _server(home, there, cores, "full") as world:
                waits_ms = [await greeted_ms(world, tape, number) for number in range(flags.calls)]
            figures["first_greeting_ms"] = waits_ms[0] if waits_ms else None
            figures["greeting_ms"] = _told(f"greeting on the wire (budget {GREETING_BUDGET_MS:.0f})", waits_ms)
            print(f"{'the first call of all':<40}{waits_ms[0] if waits_ms else 0:>10.1f} ms")


@asynccontextmanager
async def _server(home: Path, there: Providers, cores: Placement, cache: str) -> AsyncIterator[World]:
    async with serving(home, there, cores, GREETING, {_CACHE: str(home / cache)}) as world:
        yield world


async def _start(home: Path, there: Providers, cores: Placement, cache: str, bar: Progress) -> float:
    async with _server(home, there, cores, cache) as world:
        bar.step()
        return world.ready_s * 1000


def _told(title: str, values_ms: list[float]) -> dict[str, Any] | None:
    found: Spread | None = spread(values_ms)
    if found is None:
        return None
    print(f"{title:<40}{found.p50:>10.1f} ms p50{found.p99:>10.1f} ms p99{found.most:>10.1f} ms most", flush=True)
    return asdict(found)


async def greeted_ms(world: World, tape: Tape, number: int) -> float:
    """Place one call and hang up when the greeting is heard; infinite when it is not."""
    load = Load(Metronome(), tape)
    load.metronome.start()
    try:
        world.check()
        caller = await call(world, load, number)
        load.callers.append(caller)
        with suppress(TimeoutError):
            async with asyncio.timeout(_GREETING_LIMIT_S):
                heard: set[asyncio.Future[Any]] = {caller.spoke, caller.over}
                await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
        return (caller.first_audio_s - caller.started_s) * 1000 if caller.first_audio_s else float("inf")
    finally:
        await hang_up(load)
        load.metronome.stop()


if __name__ == "__main__":
    sys.exit(main())
