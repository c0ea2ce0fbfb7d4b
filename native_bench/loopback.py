"""How much do we add to the caller's wait, when the providers take no time at all?

One simulated call over a real socket, turn after turn, with scripted providers that answer at once. What is left of the
response latency beyond the endpointing wait is ours: the way through the server, its timers and its loop.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from statistics import quantiles

import uvloop

from mediasrv.audio.format import MULAW_8K
from mediasrv.call.agency import Agency
from mediasrv.call.observer import Observer
from mediasrv.call.options import AgentOptions
from mediasrv.call.trace import TurnTrace
from mediasrv.carriers.options import PlivoOptions
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.simulator.caller import Caller
from mediasrv.simulator.carriers import carrier_named
from mediasrv.simulator.pacing import Pacing
from mediasrv.simulator.report import CallReport, report
from mediasrv.simulator.script import Performance, conversation
from mediasrv.simulator.speech import recorded
from mediasrv.turn.options import TurnOptions
from native_bench.machine import described

BUDGET_P99_MS = 15.0
CLIP = "ps_goforward"

INSTANT = AgentOptions(
    # Nothing is done ahead of the endpoint that would hide what we add behind it.
    turn=TurnOptions(speculation=False),
    greeting="Go.",
    stt={"provider": "scripted", "final_ms": 0},
    llm={"provider": "scripted", "first_token_ms": 0, "token_ms": 0, "replies": ("Go on.",)},
    tts={"provider": "scripted", "first_audio_ms": 0, "ms_per_char": 40},
)


class Traces(Observer):
    """Keeps the waterfall of every turn."""

    def __init__(self) -> None:
        self.traces: list[TurnTrace] = []

    def turn_answered(self, call_id: str, trace: TurnTrace) -> None:
        self.traces.append(trace)


async def measure(turns: int) -> tuple[list[float], CallReport]:
    """Place the call; return the added latency of each turn in milliseconds, and the caller's report."""
    traces = Traces()
    service = Service(
        ServerOptions(port=0, sheds_load=False),
        PlivoOptions(verify_signatures=False),
        Agency({"default": INSTANT}, observer=traces),
    )
    await service.start()
    try:
        script = conversation([recorded()[CLIP]] * turns, quiet_ms=300)
        caller = Caller(carrier_named("plivo"), MULAW_8K, Performance(script, MULAW_8K), Pacing())
        call = await caller.call(f"ws://127.0.0.1:{service.port}/plivo/stream")
    finally:
        await service.aclose()
    return [(trace.response_ms or 0.0) - trace.waterfall()[0].end_ms for trace in traces.traces], report(call)


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """p50, p99 and the greatest."""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[98], max(values)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m native_bench.loopback", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--turns", type=int, default=40, help="turns of the call (default: 40, about two minutes)")
    turns = parser.parse_args().turns
    added, figures = uvloop.run(measure(turns))
    p50, p99, most = percentiles(added)
    print(described())
    print(f"turns answered       {len(added)} of {turns}")
    print(f"added latency        p50 {p50:.1f} ms   p99 {p99:.1f} ms (budget {BUDGET_P99_MS:.0f})   max {most:.1f} ms")
    print(f"greeting heard after {figures.greeting_ms} ms")
    print(f"underruns            {len(figures.underruns)}")
    print(f"caller's own slip    p99 {figures.slip.p99_ms} ms   max {figures.slip.max_ms} ms")


if __name__ == "__main__":
    main()
