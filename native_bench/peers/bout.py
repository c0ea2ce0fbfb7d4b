"""One contender, so many calls at a time: what its callers heard, and what it took."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from native_bench.load.proc import Usage, usage
from native_bench.load.verdict import spread
from native_bench.peers.contenders import Contender
from native_bench.peers.holes import silences_ms
from native_bench.processes import Placement, ServerDied, free_port
from native_bench.turntaking.callers import Run, place
from native_bench.turntaking.hearing import Listener
from native_bench.turntaking.material import RATE_HZ, Material
from native_bench.turntaking.plan import Planned
from native_bench.turntaking.report import figures, turn_figures
from native_bench.turntaking.tally import Tally, judged
from native_bench.turntaking.utterances import Kind
from native_bench.turntaking.world import CHAR_MS, REPLY, World, serving, standing_in

_LOOK_EVERY_S = 0.5
# Chunks of two characters, 120 ms of audio; and no judgement on what others send for a context that they closed.
_VOICE = ("elevenlabs", "lenient=1", "chunk_ms=120")
_PAUSES = (Kind.SHORT.value, Kind.LONG.value)


@dataclass(frozen=True, slots=True)
class Plans:
    """What is done: the same for everybody who takes part."""

    warming: Sequence[Planned]
    """A call before, with which everything is loaded that is loaded once."""
    calls: Sequence[Planned]
    """As many as are up at a time."""


async def fight(contender: Contender, plans: Plans, spoken: Material, cores: Placement) -> dict[str, Any]:
    """Start everything, place the calls, and judge them; raise ``ServerDied`` when the server never took one."""
    with TemporaryDirectory(prefix="native-bench-") as name:
        folder, port = Path(name), free_port()
        every = [*plans.warming, *plans.calls]
        async with standing_in(folder, every, spoken.bot, voice=_VOICE, cores=cores.rest) as there:
            launch, log = contender.launch(folder, port, there.origins), folder / "server.log"
            server = serving(launch.arguments, port, log, there, cores.server, contender.python, launch.ready_url)
            async with server as world:
                await place(world, plans.warming, 1)
                return await _measured(world, plans.calls, spoken)


async def _measured(world: World, calls: Sequence[Planned], spoken: Material) -> dict[str, Any]:
    server = world.processes["server"]
    try:
        looks = [usage(server.pid)]
    except ProcessLookupError:
        raise ServerDied("the server died in its first call") from None
    looking = asyncio.create_task(_look(server.pid, looks))
    try:
        run = await place(world, calls, len(calls))
    finally:
        looking.cancel()
    if not run.calls:
        raise ServerDied(run.failures[0] if run.failures else "no call was taken")
    tally = await asyncio.to_thread(judged, run, Listener(spoken.bot, len(REPLY) * CHAR_MS / 1000))
    return heard(tally) | taken(run, looks)


async def _look(pid: int, looks: list[Usage]) -> None:
    with suppress(ProcessLookupError):
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            looks.append(usage(pid))


def heard(tally: Tally) -> dict[str, Any]:
    """What turn-taking is judged by."""
    many = figures(tally)
    openings = many["turns"].get("all", turn_figures([]))
    barge_ins = many["barge_ins"].get("barge-in", {"count": 0, "clear_ms": None, "missed": 0})
    paused = [many["turns"][kind] for kind in _PAUSES if kind in many["turns"]]
    return {
        "answer_ms": openings["latency_ms"],
        "clear_ms": barge_ins["clear_ms"],
        "turns": openings["count"],
        "missed": openings["missed"],
        "cut_ins": openings["cut_ins"],
        "pauses": sum(each["count"] for each in paused),
        "cut_ins_at_pauses": sum(each["cut_ins"] for each in paused),
        "barge_ins": barge_ins["count"],
        "missed_barge_ins": barge_ins["missed"],
        "classes": many["turns"],
        "underruns": many["underruns"],
        "slip_ms": many["slip_ms"],
        "failures": many["failures"],
        "complaints": many["complaints"],
    }


def taken(run: Run, looks: Sequence[Usage]) -> dict[str, Any]:
    """What the calls cost, by looks at the server, the first of them before; and the holes in what was heard."""
    idle, last = looks[0], looks[-1]
    most_bytes = max(each.rss_bytes for each in looks)
    seconds = sum(len(call.conversation.caller) for call in run.calls) / RATE_HZ
    silences = [ms for call in run.calls for ms in silences_ms(call)]
    found = spread(silences)
    return {
        "calls": run.simultaneous,
        "call_seconds": round(seconds, 1),
        "cpu_ms": round(1000 * run.cores["server"] * run.seconds / seconds, 2) if run.cores else None,
        "helpers": {name: round(share, 2) for name, share in run.cores.items() if name != "server"},
        "waited_percent": round(100 * (last.waited_s - idle.waited_s) / run.seconds, 1),
        "idle_mb": round(idle.rss_bytes / 1e6, 1),
        "call_mb": round((most_bytes - idle.rss_bytes) / 1e6 / run.simultaneous, 2),
        "silence_ms": asdict(found) if found else None,
        "with_holes": sum(ms > 0 for ms in silences),
    }
