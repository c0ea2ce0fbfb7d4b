"""Does anything grow: in calls that last, and from one call to the next?

First some calls talk for minutes. Then short calls come and go, some at a time, and the server is looked at now and
then when none is up, behind a run of its garbage collector: what was waiting for that is told, and is no growth. Of
memory, tasks and file descriptors a straight line is laid through the second half of what was seen: what rises by more
than a limit, with two standard errors set aside, grows.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mediasrv.errors import MediasrvError
from native_bench.keeping import Progress, append, conduct, require_descriptors
from native_bench.load import proc
from native_bench.load.hook import GAUGES
from native_bench.load.measured import Load, call, calls_up, hang_up
from native_bench.load.metronome import Metronome
from native_bench.load.profile import read_when_there
from native_bench.load.tape import Tape
from native_bench.load.verdict import Slope, plain, slope
from native_bench.load.world import World, started
from native_bench.machine import described, facts
from native_bench.processes import Placement, ServerDied, placement

_DESCRIPTORS = 6
_LOOK_EVERY_S = 2.0
# Of a short call: long enough for its session with the recogniser to be there.
_SHORT_S = 0.5
_LOOKS = 40
_REST_S = 0.3
# A server that takes no calls any more takes none of the others either.
_GIVE_UP = 100

LASTING = {"memory_kb": 100.0, "tasks": 0.1, "descriptors": 0.1}
"""What each call may grow by in a minute."""
SHORT = {"memory_kb": 1000.0, "tasks": 1.0, "descriptors": 1.0}
"""What a thousand calls may leave behind."""


@dataclass(frozen=True, slots=True)
class Look:
    """The server at one moment."""

    at: float
    """Minutes, or thousands of calls."""
    memory_kb: float
    tasks: int
    descriptors: int
    blocks: int
    """Of memory, in use."""
    garbage: int
    """Objects that waited for the collector, where it was run for this look."""


def growths(looks: Sequence[Look], calls: int = 1, behind: float = 0.5) -> dict[str, Slope]:
    """By how much each figure rises, for each call; what is made once is made in the first half, or share."""
    late = looks[round(len(looks) * behind) :]
    over = [each.at for each in late]
    return {name: slope(over, [getattr(each, name) / calls for each in late]) for name in LASTING}


def verdicts(found: dict[str, Slope], limits: dict[str, float]) -> list[str]:
    """What grows, in words."""
    return [
        f"{name} grows by {found[name].rise:.2f} ± {found[name].error:.2f} (limit {limit:g})"
        for name, limit in limits.items()
        if found[name].at_least > limit
    ]


async def look(world: World, at: float, *, tidied: bool = False) -> Look:
    """Look at the server, tidied by its collector or not; raise ``ServerDied`` when it is gone or says nothing."""
    world.server.send_signal(signal.SIGRTMIN if tidied else signal.SIGUSR1)
    gauges = await read_when_there(world, world.hook / GAUGES)
    try:
        usage = proc.usage(world.server.pid)
    except ProcessLookupError:
        raise ServerDied("the server died") from None
    return Look(at, usage.rss_bytes / 1000, gauges["tasks"], usage.descriptors, gauges["blocks"], gauges["garbage"])


async def lasting(world: World, tape: Tape, calls: int, minutes: float, looks: list[Look]) -> Sequence[str]:
    """Let calls talk; what failed of them."""
    bar = Progress(minutes * 60, f"s with {calls} calls")
    loop = asyncio.get_running_loop()
    async with calls_up(world, tape, calls) as load:
        begun_s = loop.time()
        try:
            while (gone_s := loop.time() - begun_s) < minutes * 60:
                await asyncio.sleep(_LOOK_EVERY_S)
                world.check()
                looks.append(await look(world, (loop.time() - begun_s) / 60))
                bar.step(loop.time() - begun_s - gone_s)
        finally:
            bar.end()
        broke = [f"call {each.number + 1}: {each.over.result()}" for each in load.callers if each.over.done()]
        return [*load.failures, *broke]


async def short(world: World, tape: Tape, calls: int, at_a_time: int, looks: list[Look]) -> Sequence[str]:
    """Let short calls come and go, and look at the server when none is up; what failed of them."""
    bar = Progress(calls, "short calls")
    failures: list[str] = []
    done, every = 0, max(at_a_time, calls // _LOOKS)
    looks.append(await look(world, 0.0, tidied=True))
    try:
        while done < calls and len(failures) < _GIVE_UP:
            world.check()
            batch = min(at_a_time, calls - done)
            failures += await _batch(world, tape, done, batch)
            done += batch
            bar.step(batch)
            if done >= len(looks) * every or done >= calls:
                await asyncio.sleep(_REST_S)
                looks.append(await look(world, done / 1000, tidied=True))
    finally:
        bar.end()
    return failures


async def _batch(world: World, tape: Tape, first: int, count: int) -> list[str]:
    load = Load(Metronome(), tape)
    load.metronome.start()
    try:
        placed = await asyncio.gather(
            *(call(world, load, first + place) for place in range(count)), return_exceptions=True
        )
        load.callers = [each for each in placed if not isinstance(each, BaseException)]
        await asyncio.sleep(_SHORT_S)
        broke = [each.over.result() for each in load.callers if each.over.done()]
    finally:
        await hang_up(load)
        load.metronome.stop()
    return [str(each) or "no answer" for each in placed if isinstance(each, BaseException)] + broke


def main() -> int:
    """Measure, print, keep; 0 when nothing grows and no call failed."""
    parser = argparse.ArgumentParser(prog="python -m native_bench soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--calls", type=int, default=20, help="that last (default: %(default)s; 0: none)")
    parser.add_argument("--minutes", type=float, default=2.0, help="that they last (default: %(default)s)")
    parser.add_argument(
        "--each", type=float, default=0.0, metavar="MINUTES", help="a call, and the next; records are kept and counted"
    )
    parser.add_argument("--short-calls", type=int, default=400, help="that come and go (default: %(default)s)")
    parser.add_argument("--at-a-time", type=int, default=20, help="of the short ones (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, a line for each half")
    flags = parser.parse_args()
    return conduct("soak", _soak(flags))


async def _soak(flags: argparse.Namespace) -> int:
    append(flags.json, [])
    require_descriptors(max(flags.calls, flags.at_a_time), _DESCRIPTORS)
    cores, tape = placement(), Tape()
    print(f"{described()}\n{cores}")
    worst = 0
    if flags.each:
        return await _endure(flags, tape, cores)
    with TemporaryDirectory(prefix="native-bench-") as folder:
        async with started(Path(folder), tape, cores) as world:
            if flags.calls:
                looks: list[Look] = []
                work = lasting(world, tape, flags.calls, flags.minutes, looks)
                title = f"{flags.calls} calls for {flags.minutes:g} minutes: growth of each call, a minute"
                worst = await _tell(flags.json, title, work, looks, LASTING, flags.calls)
            if flags.short_calls and not worst:
                looks = []
                work = short(world, tape, flags.short_calls, flags.at_a_time, looks)
                title = f"{flags.short_calls} short calls, {flags.at_a_time} at a time: growth of a thousand"
                worst = await _tell(flags.json, title, work, looks, SHORT, 1)
    return worst


async def _endure(flags: argparse.Namespace, tape: Tape, cores: Placement) -> int:
    from native_bench.endurance import endure  # it looks with our eyes

    try:
        with TemporaryDirectory(prefix="native-bench-") as folder:
            endured = await endure(Path(folder), tape, cores, flags.calls, flags.minutes, flags.each)
    except MediasrvError as error:
        append(flags.json, [{"case": "soak", **facts(), "failure": str(error)}])
        print(f"broken off: {error}", file=sys.stderr)
        return 1
    print("\n".join([endured.told(), *(endured.flaws or ["nothing is lost, silent, or grows"])]), flush=True)
    append(flags.json, [{"case": "soak", **facts(), **plain(endured.figures()), "flaws": endured.flaws}])
    return 1 if endured.flaws else 0


async def _tell(path: Path | None, title: str, work: Any, looks: list[Look], limits: dict[str, float], of: int) -> int:
    """Do the work and tell of it, of what there is when the server dies."""
    broken = ""
    try:
        failures = await work
    except MediasrvError as error:
        broken, failures = str(error), ()
    found = growths(looks, of)
    grown = verdicts(found, limits)
    print(f"\n{title}")
    for name, line in found.items():
        seen = f"{getattr(looks[0], name):.0f} at first, {getattr(looks[-1], name):.0f} at last" if looks else ""
        print(f"{name:<14}{line.rise:>10.2f} ± {line.error:<10.2f}limit {limits[name]:<8g}{seen}")
    if any(each.garbage for each in looks):
        waiting = sum(each.garbage for each in looks[1:]) / max(looks[-1].at * 1000, 1)
        print(f"{waiting:.0f} objects of each call waited for the collector, because they refer to each other")
    for each in [*grown, *failures[:5], *([f"broken off: {broken}"] if broken else [])]:
        print(f"{'':>4}{each}", flush=True)
    figures = {
        "title": title, "looks": [asdict(each) for each in looks], "growth": {k: asdict(v) for k, v in found.items()},
        "grown": grown, "failures": list(failures), "failure": broken,
    }  # fmt: skip
    append(path, [{"case": "soak", **facts(), **plain(figures)}])
    return 1 if grown or failures or broken else 0


if __name__ == "__main__":
    sys.exit(main())
