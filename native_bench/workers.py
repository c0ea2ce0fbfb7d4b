"""Do two worker processes carry twice what one carries?

With as many cores as this machine has, callers and stand-ins have to share them with the server, so the number of calls
at which it breaks says little. What is compared is what a call-second costs, all processes of the server together: one
worker with some calls, then several with as many each. What does not become dearer goes on as long as there are cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from native_bench.keeping import append, conduct, require_descriptors
from native_bench.load import proc
from native_bench.load.measured import calls_up, judge
from native_bench.load.tape import CYCLE_S, Tape
from native_bench.load.verdict import Spread, plain, spread
from native_bench.load.world import World, providers, serving
from native_bench.machine import described, facts
from native_bench.processes import Placement, ServerDied

_DESCRIPTORS = 6
LEAST_RATIO = 1.8
"""Of what two workers carry for each that one does."""


@dataclass(frozen=True, slots=True)
class Team:
    """Some workers under load."""

    workers: int
    calls: int
    cpu_ms: float
    """Processor time for a call-second, all processes of the server."""
    supervisor_ms: float
    """Of that, the supervisor's."""
    shares: tuple[int, ...]
    """Calls of each worker, by the descriptors that they took."""
    answers: Spread | None
    silence: Spread | None
    slip: Spread | None
    failures: tuple[str, ...]


def children(pid: int) -> list[int]:
    """Processes that a process has started and that live."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def measure(world: World, tape: Tape, workers: int, calls: int, seconds: float) -> Team:
    """Let so many calls talk; raise ``ServerDied``."""
    supervisor = world.server.pid
    pids = children(supervisor)
    idle = [proc.usage(pid).descriptors for pid in pids]
    async with calls_up(world, tape, calls) as load:
        await asyncio.sleep(CYCLE_S)
        load.metronome.forget()
        begun_s, before = time.monotonic(), [proc.usage(pid).cpu_s for pid in (supervisor, *pids)]
        await asyncio.sleep(seconds)
        world.check()
        spent = [proc.usage(pid).cpu_s - was for pid, was in zip((supervisor, *pids), before, strict=True)]
        until_s = time.monotonic()
        taken = [proc.usage(pid).descriptors - was for pid, was in zip(pids, idle, strict=True)]
        heard = [judge(caller, tape, begun_s, until_s) for caller in load.callers]
        call_seconds = calls * (until_s - begun_s)
        return Team(
            workers=workers,
            calls=calls,
            cpu_ms=round(1000 * sum(spent) / call_seconds, 3),
            supervisor_ms=round(1000 * spent[0] / call_seconds, 4),
            shares=tuple(taken),
            answers=spread([ms for each in heard for ms in each.answers_ms]),
            silence=spread([ms for each in heard for ms in each.silences_ms]),
            slip=spread([late_s * 1000 for late_s in load.metronome.lateness_s]),
            failures=(*load.failures, *(each.over.result() for each in load.callers if each.over.done())),
        )


def main() -> int:
    """Measure, print, keep; 0 when so many workers carry so many times what one does, or nearly."""
    parser = argparse.ArgumentParser(prog="python -m native_bench workers", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--workers", type=int, default=2, help="that are compared with one (default: %(default)s)")
    parser.add_argument("--calls", type=int, default=25, help="of each worker (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=21.0, help="of measurement (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures")
    flags = parser.parse_args()
    return conduct("workers", _compare(flags), flags.json)


async def _compare(flags: argparse.Namespace) -> int:
    append(flags.json, [])
    require_descriptors(flags.calls * flags.workers, _DESCRIPTORS)
    print(f"{described()}\nserver, callers and stand-ins on all cores")
    one, several = [await _team(flags, workers) for workers in (1, flags.workers)]
    ratio = flags.workers * one.cpu_ms / several.cpu_ms
    print(f"{flags.workers} workers carry {ratio:.2f} times what one carries, for the processor time that they need")
    figures = {"teams": [asdict(one), asdict(several)], "ratio": ratio}
    append(flags.json, [{"case": "workers", **facts(), **plain(figures)}])
    is_good = ratio >= LEAST_RATIO / 2 * flags.workers
    return 0 if is_good and not one.failures and not several.failures else 1


async def _team(flags: argparse.Namespace, workers: int) -> Team:
    everywhere = frozenset(os.sched_getaffinity(0))
    cores, tape = Placement(everywhere, everywhere), Tape()
    with TemporaryDirectory(prefix="native-bench-") as folder:
        there, extra = Path(folder), ("--workers", str(workers))
        async with providers(there, tape, cores) as vendors, serving(there, vendors, cores, extra=extra) as world:
            team = await measure(world, tape, workers, workers * flags.calls, flags.seconds)
    answers, silence, slip = (
        "none" if each is None else f"{each.p50:.0f}/{each.p99:.0f} ms"
        for each in (team.answers, team.silence, team.slip)
    )
    print(
        f"{workers} workers, {team.calls} calls: {team.cpu_ms:.2f} ms a call-second, of which the supervisor's "
        f"{team.supervisor_ms:.3f}; descriptors of each {', '.join(map(str, team.shares))}; p50/p99 of "
        f"answers {answers}, silence {silence}, slip {slip}; {len(team.failures)} calls failed",
        flush=True,
    )
    if not team.shares:
        raise ServerDied("there are no workers")
    return team


if __name__ == "__main__":
    sys.exit(main())
