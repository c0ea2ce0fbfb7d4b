"""What becomes of calls in progress when twice as many callers arrive as the server carries?

Callers arrive at an even pace, at first until the server has taken what it takes, and then as long as it is measured,
so that whoever was refused tries again. Those who were let in are to hear no hole in any utterance, and more than twice
as many must have come. ``--unguarded`` shows a crowd with a server that lets all in; it is as large as ``--calls``.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import aiohttp

from native_bench.keeping import Progress, append, conduct, require_descriptors
from native_bench.load.measured import CALLS_A_SECOND, Load, call, hang_up, judge
from native_bench.load.metronome import Metronome
from native_bench.load.tape import CYCLE_S, Tape
from native_bench.load.verdict import Limits, Spread, plain, spread
from native_bench.load.world import World, started
from native_bench.machine import described, facts
from native_bench.processes import placement, running

_DESCRIPTORS = 6
_MOST = 2000
_LEVELS = ("fit", "no speculation", "essential", "closed")


@dataclass(slots=True)
class Crowd:
    """Who came, and what became of them."""

    load: Load
    arrived: int = 0
    refused: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    """Looks at the server that found it at this level."""
    knocking: set[asyncio.Task[None]] = field(default_factory=set)

    async def knock(self, world: World) -> None:
        """One caller arrives."""
        self.arrived += 1
        try:
            self.load.callers.append(await call(world, self.load, self.arrived))
        except ConnectionError as error:
            if "503" not in str(error):
                self.load.failures.append(str(error))
            self.refused += 1
        except (OSError, TimeoutError) as error:
            self.load.failures.append(str(error) or "no answer")

    @property
    def live(self) -> int:
        """Calls that are up."""
        return sum(not each.over.done() for each in self.load.callers)

    async def arrive(self, world: World, wanted: int) -> None:
        """Callers arrive, until there were so many."""
        while self.arrived < wanted:
            await self.next(world)

    async def next(self, world: World) -> None:
        """The next caller arrives."""
        world.check()
        task = asyncio.create_task(self.knock(world))
        self.knocking.add(task)
        task.add_done_callback(self.knocking.discard)
        await asyncio.sleep(1 / CALLS_A_SECOND)

    async def look(self, world: World) -> None:
        """Note the server's level every second."""
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{world.origin}/metrics") as response:
                    rows = (await response.text()).splitlines()
                level = next(float(row.split()[1]) for row in rows if row.startswith("mediasrv_load_level "))
                self.levels[_LEVELS[int(level)]] += 1
                await asyncio.sleep(1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was measured."""

    arrived: int
    refused: int
    live: int
    broken: tuple[str, ...]
    answers: Spread | None
    silence: Spread | None
    slip: Spread | None
    levels: dict[str, int]

    def flaws(self, limits: Limits) -> list[str]:
        """Why this is no success, in words."""
        found = [f"{len(self.broken)} calls broke off: {self.broken[0]}"] if self.broken else []
        if self.silence is None or self.silence.p99 > 0:
            found.append("calls in progress heard holes")
        if self.arrived < 2 * self.live:
            found.append(f"{self.arrived} callers are not twice as many as are carried: let it last longer")
        if self.slip is not None and self.slip.p99 > limits.slip_ms:
            found.append(f"the callers themselves were late, p99 {self.slip.p99:.1f} ms (limit {limits.slip_ms:g})")
        return found


async def overload(world: World, tape: Tape, calls: int, ramp_s: float, seconds: float) -> Outcome:
    """Have a crowd arrive and measure those who were let in; raise ``ServerDied``."""
    crowd = Crowd(Load(Metronome(), tape))
    crowd.load.metronome.start()
    looking = asyncio.create_task(crowd.look(world))
    bar = Progress(seconds, "s of overload")
    try:
        await crowd.arrive(world, calls or round(ramp_s * CALLS_A_SECOND))
        await asyncio.sleep(CYCLE_S)
        crowd.load.metronome.forget()
        begun_s = time.monotonic()
        while time.monotonic() < begun_s + seconds:
            await crowd.next(world) if not calls else await asyncio.sleep(1 / CALLS_A_SECOND)
            bar.step(1 / CALLS_A_SECOND)
        await asyncio.gather(*crowd.knocking)
        return _outcome(crowd, tape, begun_s)
    finally:
        bar.end()
        looking.cancel()
        for task in crowd.knocking:
            task.cancel()
        await hang_up(crowd.load)
        crowd.load.metronome.stop()


def _outcome(crowd: Crowd, tape: Tape, begun_s: float) -> Outcome:
    heard = [judge(each, tape, begun_s, time.monotonic()) for each in crowd.load.callers]
    broken = [each.over.result() or "hung up" for each in crowd.load.callers if each.over.done()]
    return Outcome(
        arrived=crowd.arrived,
        refused=crowd.refused,
        live=crowd.live,
        broken=(*crowd.load.failures, *broken),
        answers=spread([ms for each in heard for ms in each.answers_ms]),
        silence=spread([ms for each in heard for ms in each.silences_ms]),
        slip=spread([late_s * 1000 for late_s in crowd.load.metronome.lateness_s]),
        levels=dict(crowd.levels),
    )


def main() -> int:
    """Measure, print, keep; 0 when those in progress heard no hole."""
    parser = argparse.ArgumentParser(prog="python -m native_bench overload", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0, help="of measurement (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=0, help="that arrive (default: as --ramp says)")
    parser.add_argument(
        "--ramp", type=float, default=60.0, help="seconds before that, of arrivals (default: %(default)s)"
    )
    parser.add_argument("--unguarded", action="store_true", help="with a server that lets in whoever comes")
    parser.add_argument("--neighbours", type=int, default=0, help="that compete for the server's core, at full speed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures")
    flags = parser.parse_args()
    if flags.unguarded and not flags.calls:
        parser.error("--unguarded needs --calls: nobody else says when there are enough")
    return conduct("overload", _overload(flags), flags.json)


async def _overload(flags: argparse.Namespace) -> int:
    append(flags.json, [])
    require_descriptors(flags.calls or _MOST // 4, _DESCRIPTORS)
    cores, tape = placement(), Tape()
    print(f"{described()}\n{cores}")
    with TemporaryDirectory(prefix="native-bench-") as folder:
        async with AsyncExitStack() as stack:
            guarded = started(Path(folder), tape, cores, sheds_load=not flags.unguarded)
            world = await stack.enter_async_context(guarded)
            for _ in range(flags.neighbours):
                await stack.enter_async_context(running("-c", "while True: pass", cores=cores.server))
            outcome = await overload(world, tape, flags.calls, flags.ramp, flags.seconds)
    flaws = outcome.flaws(Limits())
    print(f"{outcome.arrived} arrived, {outcome.refused} were refused, {outcome.live} are up;", end=" ")
    print(f"seconds at each level: {_told(outcome.levels)}")
    for name, what in (("silence within an utterance", outcome.silence), ("answer", outcome.answers)):
        figures = "nothing" if what is None else f"p50 {what.p50:.0f}, p99 {what.p99:.0f}, most {what.most:.0f} ms"
        print(f"{name}: {figures}{'' if what is None else f' of {what.count}'}")
    print("\n".join(flaws) or "those in progress heard no hole", flush=True)
    append(flags.json, [{"case": "overload", **facts(), **plain(asdict(outcome)), "flaws": flaws}])
    return 1 if flaws else 0


def _told(levels: dict[str, Any]) -> str:
    return ", ".join(f"{levels[name]} {name}" for name in _LEVELS if name in levels) or "none"


if __name__ == "__main__":
    sys.exit(main())
