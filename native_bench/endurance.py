"""The long soak: as many calls at any time, most of them followed by others, and the books balanced at the end.

Of every call the server must keep a record with an end, and every answered turn; no call may be silent. Memory, tasks
and descriptors are looked at while the calls go on, and a straight line is laid through all behind the first quarter.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from native_bench.keeping import Progress
from native_bench.load.kept import Kept, kept
from native_bench.load.revolving import Revolving, Tally
from native_bench.load.tape import Tape
from native_bench.load.verdict import Slope
from native_bench.load.world import started
from native_bench.processes import Placement
from native_bench.soak import Look, growths, look, verdicts

LIMITS = {"memory_kb": 100.0, "tasks": 0.1, "descriptors": 0.1}
"""What the server may grow by in an hour, for each of the calls that are up."""
WARM_UP = 0.25
"""Share of the time after which nothing is made any more that is made once."""
_LOOK_EVERY_S = 10.0
# Where a stack or an object follows, only what is said of it.
_COMPLAINT = re.compile(r"^\S+ \S+ (?:WARNING|ERROR|CRITICAL) (\S+: .*?)(?:: .*| <.*| \w+=.*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Endured:
    """What became of it."""

    calls: int
    minutes: float
    tally: Tally
    records: Kept
    growth: Mapping[str, Slope]
    slip_p99_ms: tuple[float, float]
    """Of the callers, in ten seconds: the median, and the most."""
    complaints: Mapping[str, int]
    """What the server logged of warnings and worse, and how often."""
    looks: tuple[Look, ...]

    @property
    def flaws(self) -> list[str]:
        """What is wrong, in words."""
        tally = self.tally
        silent = [f"{tally.silent} calls were silent"] if tally.silent else []
        answered = tally.turns - tally.unanswered
        lost = self.records.flaws(tally.made, answered)
        return [*tally.failures[:5], *silent, *lost, *verdicts(dict(self.growth), LIMITS)]

    def told(self) -> str:
        """All of it, for people."""
        tally, records = self.tally, self.records
        holes = f"{len(tally.hole_ms)} silences inside one"
        if tally.hole_ms:
            holes += (
                f" (median {np.median(tally.hole_ms):.0f}, most {max(tally.hole_ms):.0f} ms) in {tally.holed} calls"
            )
        times = ", ".join(f"p{share * 100:g} {tally.answered_within_ms(share)} ms" for share in (0.5, 0.99, 0.999))
        lines = [
            f"{self.calls} calls for {self.minutes:.1f} minutes: {tally.made} were made, {len(tally.failures)} failed",
            f"records: {records.calls} calls, {records.left_open} left open, {records.turns} turns",
            f"{tally.silent} calls were silent; {tally.unanswered} of {tally.turns} turns had no answer ({times})",
            f"{tally.utterances} utterances, {holes}",
            f"the callers were late by {self.slip_p99_ms[0]:.1f} ms (p99 of 10 s, median), "
            f"{self.slip_p99_ms[1]:.1f} at most; the server logged {dict(self.complaints) or 'nothing'}",
            f"{'an hour and call':<18}{'grows by':>10}",
        ]
        for name, line in self.growth.items():
            seen = f"{getattr(self.looks[0], name):.0f} at first, {getattr(self.looks[-1], name):.0f} at last"
            lines.append(f"{name:<18}{line.rise:>10.3f} ± {line.error:<10.3f}limit {LIMITS[name]:<8g}{seen}")
        return "\n".join(lines)

    def figures(self) -> dict[str, Any]:
        """As JSON has it."""
        answers_ms = {str(ms): count for ms, count in sorted(self.tally.answers_ms.items())}
        return {**asdict(self), "tally": {**asdict(self.tally), "answers_ms": answers_ms}}


def complaints(log: str) -> Counter[str]:
    """How often each warning, or worse, stands in a log; without the facts that come with it."""
    return Counter(_COMPLAINT.findall(log))


async def endure(folder: Path, tape: Tape, cores: Placement, calls: int, minutes: float, each: float) -> Endured:
    """Let calls of some minutes each come and go; raise ``ServerDied`` when the server does not live through it."""
    bar = Progress(minutes * 60, f"s with {calls} calls")
    looks: list[Look] = []
    loop = asyncio.get_running_loop()
    async with started(folder, tape, cores, keeps_records=True) as world:
        revolving = Revolving(world, tape, calls, each * 60)
        try:
            await revolving.begin()
            begun_s = loop.time()
            while (gone_s := loop.time() - begun_s) < minutes * 60:
                await asyncio.sleep(min(_LOOK_EVERY_S, minutes * 60 - gone_s))
                world.check()
                revolving.look()
                looks.append(await look(world, (loop.time() - begun_s) / 3600))
                bar.step(loop.time() - begun_s - gone_s)
        finally:
            bar.end()
            await revolving.end()
    slip = revolving.slip_p99_ms
    return Endured(
        calls=calls,
        minutes=minutes,
        tally=revolving.tally,
        records=kept(folder),
        growth=growths(looks, calls, behind=WARM_UP),
        slip_p99_ms=(float(np.median(slip)), max(slip)),
        complaints=dict(complaints(world.log.read_text(errors="replace"))),
        looks=tuple(looks),
    )
