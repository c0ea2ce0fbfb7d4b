"""How many calls does one core carry, and what does a call-second cost?

Steps up and then bisection, each step with a server of its own on a core of its own. A number of calls breaks when a
caller hears a hole in an utterance (p99 of the silence within), when answers come later than one call's alone by more
than a limit, when the memory of a call keeps growing, or when calls fail. Where the callers themselves were late
nothing is said about the server.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from mediasrv.errors import MediasrvError
from native_bench.keeping import Progress, append, conduct, require_descriptors
from native_bench.load.measured import measure
from native_bench.load.profile import profiled
from native_bench.load.search import Search
from native_bench.load.tape import CYCLE_S, Tape
from native_bench.load.verdict import Limits, Step, bottleneck, breaches, plain
from native_bench.load.world import started
from native_bench.machine import described, facts
from native_bench.processes import Placement, ServerDied, placement

# Of the server, for a call: the carrier's, the recogniser's, the model's and the voice's; and some in reserve.
DESCRIPTORS = 6
# In two cycles there is a whole exchange of every caller.
_LEAST_S = 2 * CYCLE_S
# Three answers at least.
_SINGLE_S = 4.5 * CYCLE_S
_HEAD = (
    f"{'calls':>6}{'cpu':>8}{'stolen':>8}{'memory':>9}{'a call':>9}{'answer p50':>12}{'p99':>9}"
    f"{'silence p99':>13}{'stall p99':>11}{'most':>8}{'slip p99':>10}"
)
_UNITS = f"{'':>6}{'ms/s':>8}{'%':>8}{'MB':>9}{'KB':>9}{'ms':>12}{'ms':>9}{'ms':>13}{'ms':>11}{'ms':>8}{'ms':>10}"


def main() -> int:
    """Search, print, keep; 0 when the number was found, or all that were asked for held."""
    flags = _grammar().parse_args()
    return conduct("capacity", _capacity(flags))


def _grammar() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m native_bench capacity", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--first", type=int, default=25, metavar="CALLS", help="the first step (default: %(default)s)")
    parser.add_argument("--most", type=int, default=800, metavar="CALLS", help="the last one (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of measurement a step (default: %(default)s)")
    parser.add_argument("--steps", metavar="N,N,…", help="these numbers of calls and no search")
    parser.add_argument("--profile", type=int, default=100, metavar="CALLS", help="at which the cost is split; 0: not")
    parser.add_argument("--quick", action="store_true", help="small steps, within three minutes")
    parser.add_argument("--slip", type=float, default=Limits().slip_ms, metavar="MS", help="p99 of the callers' own")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, a line for each step")
    return parser


async def _capacity(flags: argparse.Namespace) -> int:
    append(flags.json, [])
    if flags.quick:
        flags.first, flags.most, flags.seconds, flags.profile = 10, 20, _LEAST_S, 20
    flags.seconds = max(flags.seconds, _LEAST_S)
    steps = [int(each) for each in flags.steps.split(",")] if flags.steps else []
    require_descriptors(max([*steps, flags.most if not steps else 1, flags.profile]), DESCRIPTORS)
    cores = placement()
    print(f"{described()}\n{cores}")
    if cores.is_shared:
        print("note: there is but one core; the callers take what the server needs")
    bench = Bench(flags, cores)
    try:
        single = await bench.step(1, max(flags.seconds, _SINGLE_S))
        bench.single_ms = single.answers.p50 if single.answers else None
        held = await (bench.these(steps) if steps else bench.search(Search(flags.first, flags.most)))
        if flags.profile:
            await bench.split(flags.profile)
        return 0 if held else 1
    except MediasrvError as error:
        bench.keep({"failure": str(error)})
        print(f"broken off: {error}", file=sys.stderr)
        return 1


class Bench:
    """Runs steps and tells of them."""

    def __init__(self, flags: argparse.Namespace, cores: Placement) -> None:
        self._flags, self._cores = flags, cores
        self._limits = Limits(slip_ms=flags.slip)
        self._tape = Tape()
        self._facts = {"case": "capacity", **facts(), "cores_used": str(cores)}
        self.single_ms: float | None = None
        print(f"{_HEAD}\n{_UNITS}")

    async def search(self, search: Search) -> bool:
        """Find the number; whether it was found, or all held."""
        while (calls := search.following) is not None:
            step = await self.step(calls, self._flags.seconds)
            if why := bottleneck(step, self._limits):
                print(f"not reported beyond {search.held} calls: {why}; free the machine, or give it another core")
                self.keep({"capacity": search.held, "bottleneck": why})
                return False
            search.tell(not breaches(step, self.single_ms, self._limits))
        more = f", {search.broken} break" if search.broken else f"; {search.held} is the most that was asked for"
        print(f"\ncapacity: {search.held} calls on one core{more}")
        self.keep({"capacity": search.held, "broken": search.broken})
        return True

    async def these(self, steps: list[int]) -> bool:
        """Run steps that were asked for; whether all held."""
        held = True
        for calls in steps:
            step = await self.step(calls, self._flags.seconds)
            held = held and not bottleneck(step, self._limits) and not breaches(step, self.single_ms, self._limits)
        return held

    async def step(self, calls: int, seconds: float) -> Step:
        """One step, printed and kept."""
        bar = Progress(seconds, f"s at {calls} calls")
        with TemporaryDirectory(prefix="native-bench-") as folder:
            async with started(Path(folder), self._tape, self._cores) as world:
                try:
                    step = await measure(world, self._tape, calls, seconds, bar.step)
                except ProcessLookupError:
                    raise ServerDied(f"at {calls} calls a process died") from None
                finally:
                    bar.end()
        broken = breaches(step, self.single_ms, self._limits)
        why = bottleneck(step, self._limits)
        print(_row(step), flush=True)
        for each in [f"not the server: {why}"] if why else broken:
            print(f"{'':>8}{each}", flush=True)
        self.keep({"step": asdict(step), "breaches": broken, "bottleneck": why})
        return step

    async def split(self, calls: int) -> None:
        """What one call-second costs, by part, printed and kept."""
        with TemporaryDirectory(prefix="native-bench-") as folder:
            async with started(Path(folder), self._tape, self._cores) as world:
                profile = await profiled(world, self._tape, calls, self._flags.seconds)
        print(f"\nwhat a call-second costs at {calls} calls\n{profile.table()}", flush=True)
        self.keep({"profile": profile.figures()})

    def keep(self, figures: dict[str, Any]) -> None:
        """A line of JSON."""
        append(self._flags.json, [self._facts | plain(figures)])


def _row(step: Step) -> str:
    answers, silence, stalls, slip = step.answers, step.silence, step.stalls, step.slip
    return (
        f"{step.calls:>6}{step.cpu_ms:>8.2f}{step.starved_percent:>8.1f}{step.memory_mb:>9.1f}{step.call_kb:>9.0f}"
        f"{_cell(answers.p50 if answers else None, 12)}{_cell(answers.p99 if answers else None, 9)}"
        f"{_cell(silence.p99 if silence else None, 13)}{_cell(stalls.p99 if stalls else None, 11)}"
        f"{_cell(stalls.most if stalls else None, 8)}{_cell(slip.p99 if slip else None, 10)}"
    )


def _cell(value: float | None, width: int) -> str:
    return f"{'none' if value is None else f'{value:.1f}':>{width}}"


if __name__ == "__main__":
    sys.exit(main())
