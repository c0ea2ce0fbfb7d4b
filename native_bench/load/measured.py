"""One run at one number of calls: place them, let them talk, measure, and take leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from urllib.parse import urlsplit

from native_bench.load import proc
from native_bench.load.caller import LoadCaller
from native_bench.load.metronome import Metronome
from native_bench.load.tape import RATE_HZ, Tape
from native_bench.load.verdict import Slope, Step, quantiles, slope, spread
from native_bench.load.world import PATH, World
from native_bench.processes import ServerDied

CALLS_A_SECOND = 25
"""How fast calls begin."""
ANSWER_LIMIT_MS = 3_000
"""Whoever has not answered by then has not answered."""
_OPEN_LIMIT_S = 10.0
_GROWTH_S, _GROWTH_CALLS = 20.0, 10
_LEAVE_LIMIT_S = 8.0
_LOOK_EVERY_S = 1.0
_PING_EVERY_S = 0.01
_PINGS_A_CALL = 5


@dataclass(slots=True)
class Load:
    """Calls that are up."""

    metronome: Metronome
    tape: Tape
    callers: list[LoadCaller] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


@asynccontextmanager
async def calls_up(world: World, tape: Tape, count: int) -> AsyncIterator[Load]:
    """Place calls at an even pace, whatever becomes of them, and hang up with the block.

    Few calls take a whole cycle for it, so that they do not all speak at once.
    """
    load = Load(Metronome(), tape)
    load.metronome.start()
    placing: list[asyncio.Task[None]] = []
    try:
        for number in range(count):
            if number:
                await asyncio.sleep(max(1 / CALLS_A_SECOND, tape.cycle / RATE_HZ / count))
            world.check()
            placing.append(asyncio.create_task(_place(world, load, number)))
        await asyncio.gather(*placing)
        yield load
    finally:
        for task in placing:
            task.cancel()
        await hang_up(load)
        load.metronome.stop()


async def _place(world: World, load: Load, number: int) -> None:
    try:
        load.callers.append(await call(world, load, number))
    except (OSError, TimeoutError) as error:
        load.failures.append(f"call {number + 1}: {str(error) or 'no answer'}")


async def call(world: World, load: Load, number: int) -> LoadCaller:
    """Place one call; raise ``OSError`` when the server does not take it."""
    where = urlsplit(world.origin)
    async with asyncio.timeout(_OPEN_LIMIT_S):
        _, caller = await asyncio.get_running_loop().create_connection(
            lambda: LoadCaller(number, PATH, where.netloc, load.metronome, load.tape),
            str(where.hostname),
            where.port or 80,
        )
        try:
            await caller.opened
        except BaseException:
            caller.abort()
            raise
    return caller


async def hang_up(load: Load) -> None:
    """End all calls, and wait until the server has ended them too."""
    for caller in load.callers:
        caller.hang_up()
    with suppress(TimeoutError):
        async with asyncio.timeout(_LEAVE_LIMIT_S):
            await asyncio.gather(*(caller.over for caller in load.callers))
    for caller in load.callers:
        caller.abort()


@dataclass(frozen=True, slots=True)
class Watched:
    """A look at the server every second."""

    times_s: Sequence[float]
    usages: Sequence[proc.Usage]

    def growth(self, calls: int) -> Slope:
        """KB a minute and call, in the second half: what is made once is made by then.

        Nothing is said of a moment, nor of so few calls that what the process itself takes in its first minutes, most
        of a megabyte, would be put down to them.
        """
        half = len(self.times_s) // 2
        if self.times_s[-1] - self.times_s[0] < _GROWTH_S or calls < _GROWTH_CALLS:
            return Slope(0.0, 0.0)
        minutes = [time_s / 60 for time_s in self.times_s[half:]]
        return slope(minutes, [each.rss_bytes / 1000 / max(calls, 1) for each in self.usages[half:]])


async def measure(world: World, tape: Tape, count: int, seconds: float, tick: Callable[[float], None]) -> Step:
    """Run so many calls for so long and measure; raise ``ServerDied`` when the server does not live through it."""
    idle = proc.usage(world.server.pid)
    async with calls_up(world, tape, count) as load:
        # All calls have had their first answer, and what is made once is made.
        await let_talk(world, tape.cycle / RATE_HZ, lambda _: None)
        load.metronome.forget()
        for caller in load.callers:
            caller.answers_ms.clear()
        begun_s = time.monotonic()
        before = _helpers(world)
        pinging = asyncio.create_task(_ping(load.callers))
        try:
            watched = await let_talk(world, seconds, tick)
        finally:
            pinging.cancel()
        helpers, until_s = _helpers(world), time.monotonic()
        load.failures += [f"call {each.number + 1}: {each.over.result()}" for each in load.callers if each.over.done()]
        return _step(count, load, idle, watched, (begun_s, until_s), _taken(before, helpers, until_s - begun_s))


async def let_talk(world: World, seconds: float, tick: Callable[[float], None]) -> Watched:
    """Let the calls that are up go on, and look on."""
    times_s, usages = [time.monotonic()], [_usage(world)]
    while (left_s := times_s[0] + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(left_s, _LOOK_EVERY_S))
        world.check()
        times_s.append(time.monotonic())
        usages.append(_usage(world))
        tick(times_s[-1] - times_s[-2])
    return Watched(times_s, usages)


def _usage(world: World) -> proc.Usage:
    try:
        return proc.usage(world.server.pid)
    except ProcessLookupError:
        raise ServerDied("the server died") from None


async def _ping(callers: Sequence[LoadCaller]) -> None:
    """Ask one call after the other; few calls are not asked more often than that it does not count."""
    if not callers:
        return
    every_s = max(_PING_EVERY_S, 1 / (_PINGS_A_CALL * len(callers)))
    while True:
        for caller in callers:
            if not caller.over.done():
                caller.ping()
            await asyncio.sleep(every_s)


def _helpers(world: World) -> dict[str, float]:
    pids = {stage: process.pid for stage, process in world.standins.items()}
    return {"callers": time.process_time()} | {stage: proc.usage(pid).cpu_s for stage, pid in pids.items()}


def _taken(before: dict[str, float], after: dict[str, float], seconds: float) -> dict[str, float]:
    return {name: round(100 * (after[name] - before[name]) / seconds, 1) for name in before}


def _step(
    count: int, load: Load, idle: proc.Usage, watched: Watched, span: tuple[float, float], helpers: dict[str, float]
) -> Step:
    first, last = watched.usages[0], watched.usages[-1]
    seconds = watched.times_s[-1] - watched.times_s[0]
    heard = [judge(caller, load.tape, *span) for caller in load.callers]
    silences_ms = [ms for each in heard for ms in each.silences_ms]
    answers_ms = [ms for each in heard for ms in each.answers_ms]
    return Step(
        calls=count,
        seconds=round(seconds, 1),
        cpu_ms=round((last.cpu_s - first.cpu_s) * 1000 / seconds / max(count, 1), 3),
        starved_percent=round(100 * (last.loop_waited_s - first.loop_waited_s) / seconds, 1),
        memory_mb=round(last.rss_bytes / 1e6, 1),
        call_kb=round((first.rss_bytes - idle.rss_bytes) / 1000 / max(count, 1), 1),
        growth=watched.growth(count),
        answers=spread(answers_ms),
        answer_quantiles=quantiles(answers_ms),
        silence=spread(silences_ms),
        stalls=spread([ms for caller in load.callers for ms in caller.answers_ms]),
        slip=spread([late_s * 1000 for late_s in load.metronome.lateness_s]),
        cut_ins=sum(each.cut_ins for each in heard),
        helpers_percent=helpers,
        failures=tuple(load.failures),
    )


@dataclass(slots=True)
class Heard:
    """What one caller heard within a span of time."""

    answers_ms: list[float] = field(default_factory=list)
    silences_ms: list[float] = field(default_factory=list)
    cut_ins: int = 0


def judge(caller: LoadCaller, tape: Tape, begun_s: float, until_s: float) -> Heard:
    """Judge what was said and must have been answered within the span."""
    heard = Heard()
    low, high = caller.position(begun_s), caller.position(until_s)
    utterances = [each for each in caller.ear.utterances if low <= each.begin < high]
    heard.silences_ms = [each.silent_samples * 1000 / RATE_HZ for each in utterances]
    for cycle in range(-(-max(low, 0) // tape.cycle), high // tape.cycle + 1):
        said, finished = cycle * tape.cycle + tape.begin, cycle * tape.cycle + tape.end
        over = finished + ANSWER_LIMIT_MS * RATE_HZ // 1000
        if said < low or over > high:
            continue
        begins = [each.begin for each in utterances if said <= each.begin < over]
        if begins and begins[0] < finished:
            heard.cut_ins += 1
            continue
        heard.answers_ms.append((begins[0] - finished) * 1000 / RATE_HZ if begins else inf)
    return heard
