"""What one call-second of the server costs, part by part."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from native_bench.load import proc
from native_bench.load.hook import PROFILE
from native_bench.load.measured import calls_up
from native_bench.load.shares import LOOP, PARTS, counted, hottest
from native_bench.load.tape import RATE_HZ, Tape
from native_bench.load.world import World
from native_bench.processes import ServerDied

_WRITE_LIMIT_S = 10.0
_POLL_S = 0.02
_HOTTEST = 15
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Profile:
    """The split."""

    calls: int
    cpu_ms: float
    """A call-second's, without sampling."""
    sampled_cpu_ms: float
    """The same while sampling."""
    samples: int
    parts_ms: Mapping[str, float]
    """Of a call-second; they sum up to ``cpu_ms``."""
    functions_ms: Sequence[tuple[str, float]]
    overestimate: float
    """By what share the samples claimed more than the processor time there was; 0 on a machine that is at rest."""
    collecting: float
    """Share of the processor time that the garbage collector took, within the parts."""

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)

    def table(self) -> str:
        """Lay it out; the text ends without a line break."""
        rows = [self._row(ms, part) for part, ms in self.parts_ms.items()]
        hot = [self._row(ms, name) for name, ms in self.functions_ms]
        foot = (
            f"{self._row(self.cpu_ms, 'all')}; {self.samples} samples; {self.sampled_cpu_ms:.3f} ms while sampling; "
            f"the garbage collector took {self.collecting * 100:.1f} %; "
            f"samples scaled down by {self.overestimate * 100:.0f} %"
        )
        return "\n".join([*rows, foot, "", "the hottest functions", *hot])

    def _row(self, ms: float, name: str) -> str:
        return f"{ms:8.3f} ms{100 * ms / max(self.cpu_ms, 1e-9):7.1f} %  {name}"


def split(told: Mapping[str, Any], calls: int, cpu_ms: float, sampled_cpu_ms: float) -> Profile:
    """Turn samples into milliseconds of a call-second; what no callback took is the loop's."""
    samples = [(tuple(tuple(place) for place in stack), count) for stack, count in told["stacks"]]
    each_ms = 1000 / calls / max(sum(count for _, count in samples), 1)
    counts = counted(samples)
    # On a machine that others use, callbacks seem to take longer than they do.
    scale = min(1.0, cpu_ms / max(counts.total() * each_ms, 1e-9))
    parts_ms = {part: round(counts[part] * each_ms * scale, 4) for part in PARTS}
    parts_ms[LOOP] = round(max(0.0, cpu_ms - sum(parts_ms.values())), 4)
    return Profile(
        calls=calls,
        cpu_ms=cpu_ms,
        sampled_cpu_ms=sampled_cpu_ms,
        samples=counts.total(),
        parts_ms=parts_ms,
        functions_ms=[(name, round(count * each_ms * scale, 4)) for name, count in hottest(samples, _HOTTEST)],
        overestimate=round(1 / scale - 1, 3),
        collecting=round(told["collecting_s"] / told["cpu_s"], 4),
    )


async def profiled(world: World, tape: Tape, calls: int, seconds: float = _SECONDS) -> Profile:
    """Sample the server under so many calls; raise ``ServerDied`` when it does not live through it."""
    async with calls_up(world, tape, calls):
        await asyncio.sleep(tape.cycle / RATE_HZ)
        cpu_ms = await _cpu_ms(world, calls, seconds)
        world.server.send_signal(signal.SIGUSR2)
        sampled_cpu_ms = await _cpu_ms(world, calls, seconds)
        world.server.send_signal(signal.SIGUSR2)
        told = await read_when_there(world, world.hook / PROFILE)
    return split(told, calls, cpu_ms, sampled_cpu_ms)


async def _cpu_ms(world: World, calls: int, seconds: float) -> float:
    world.check()
    before_s, begun_s = proc.usage(world.server.pid).cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    world.check()
    taken_s = proc.usage(world.server.pid).cpu_s - before_s
    return round(taken_s * 1000 / (time.monotonic() - begun_s) / calls, 3)


async def read_when_there(world: World, path: Path) -> dict[str, Any]:
    """What the server writes when it is asked to; raise ``ServerDied`` when it does not."""
    until_s = asyncio.get_running_loop().time() + _WRITE_LIMIT_S
    while (told := taken(path)) is None:
        world.check()
        if asyncio.get_running_loop().time() > until_s:
            raise ServerDied("the server does not tell about itself")
        await asyncio.sleep(_POLL_S)
    return told


def taken(path: Path) -> dict[str, Any] | None:
    """Read a file and remove it; ``None`` while it is not there."""
    try:
        told: dict[str, Any] = orjson.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    path.unlink()
    return told
