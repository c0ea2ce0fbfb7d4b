"""What ``turn`` and ``bargein`` share: their flags, and the way from the material to the report."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import uvloop

from mediasrv.audio.warmup import warm
from mediasrv.errors import ConfigError, MediasrvError
from native_bench import noises
from native_bench.keeping import append, require_descriptors
from native_bench.machine import described, facts
from native_bench.turntaking import material
from native_bench.turntaking.callers import place
from native_bench.turntaking.curve import draw_curve
from native_bench.turntaking.hearing import Listener
from native_bench.turntaking.plan import Planned, Planner
from native_bench.turntaking.report import SHOWN, figures, table, trials
from native_bench.turntaking.tally import Tally, judged
from native_bench.turntaking.world import CHAR_MS, REPLY, TurnTable, started

SLIP_LIMIT_MS = 10.0
"""Callers whose own frames are later than this, at p99, are the bottleneck, and their figures are worth nothing."""
PER_CLASS, QUICK_PER_CLASS = 100, 6
PER_CALLER = 5
"""Trials of a class that one caller makes, unless more are asked for: some five minutes."""
QUICK_CALLS = 20

# Of the server, for one call: the carrier's, the recogniser's, the model's and the voice's, and as many in reserve.
DESCRIPTORS = 8

Plan = Callable[[Planner, int, int], list[Planned]]
"""Calls for so many trials of a class and so many simultaneous callers."""


@dataclass(frozen=True, slots=True)
class Case:
    """A benchmark of this kind."""

    name: str
    question: str
    plan: Plan


def run(case: Case) -> int:
    """Run a case by the command line; 0 when all its figures count, 1 when callers were late or calls failed."""
    flags = _grammar(case).parse_args()
    warm()
    try:
        code: int = uvloop.run(_measure(case, flags))
        return code
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 78
    except MediasrvError as error:
        append(flags.json, [{"case": case.name, **facts(), "failure": str(error)}])
        print(f"broken off: {error}", file=sys.stderr)
        return 1


def _grammar(case: Case) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m native_bench {case.name}", description=case.question)
    parser.add_argument(
        "--calls", type=_counts, default=[20], metavar="N,…", help="simultaneous calls, such as 1,20,100 (default: 20)"
    )
    parser.add_argument("--per-class", type=_count, metavar="N", help="trials of a class (default: 100; 5 a caller)")
    parser.add_argument("--quick", action="store_true", help="a few trials, within a minute")
    parser.add_argument("--material", choices=material.PARTS, default="report", help="which half of the recordings")
    parser.add_argument("--sounds", type=Path, default=material.SOUNDS, metavar="DIR", help="Asterisk's prompts")
    parser.add_argument("--music", type=Path, default=noises.HOLD_MUSIC, metavar="DIR", help="Asterisk's hold music")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="a key of the turn table")
    parser.add_argument("--curve", type=Path, metavar="FILE", help="draw cut-ins against latency, as PNG or SVG")
    parser.add_argument("--knob", default="patience", help="the key that is turned for the curve (default: patience)")
    parser.add_argument("--values", default="0.5,0.7,1.0,1.4,2.0", help="its values (default: %(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="append the figures, a line for each run")
    parser.add_argument("--trials", type=Path, metavar="FILE", help="append every trial, a line of JSON for each")
    parser.add_argument("--slip", type=float, default=SLIP_LIMIT_MS, metavar="MS", help="p99 of the callers' own slip")
    parser.add_argument("--lag", type=int, default=0, metavar="MS", help="how far behind the recogniser's interims are")
    parser.add_argument("--reply", default=REPLY, metavar="TEXT", help="what the model says (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    return parser


async def _measure(case: Case, flags: argparse.Namespace) -> int:
    for path in (flags.json, flags.trials):
        append(path, [])
    levels = [QUICK_CALLS] if flags.quick else flags.calls
    require_descriptors(max(levels), DESCRIPTORS)
    spoken = material.load(flags.material, flags.sounds)
    print(f"{described()}\nmaterial: {flags.material}, {len(spoken.sentences)} sentences")
    planner = Planner(spoken, flags.music, flags.seed)
    for note in (*spoken.notes, *(f"{over.value}: no recording, left out" for over in planner.missing)):
        print(f"note: {note}")
    base = dict(_setting(each) for each in flags.set)
    if flags.curve is None:
        settings: list[TurnTable] = [base]
    else:
        settings = [{**base, flags.knob: _number(value)} for value in flags.values.split(",")]
    worst, tallies = 0, []
    for simultaneous in levels:
        per_class = trials_of_a_class(flags, simultaneous)
        for setting in settings:
            calls = case.plan(Planner(spoken, flags.music, flags.seed), per_class, simultaneous)
            tally = await _one(calls, spoken, setting, simultaneous, flags)
            tallies.append((setting, tally))
            worst = max(worst, tell(case, flags, setting, tally))
    if flags.curve is not None:
        draw_curve(flags.curve, flags.knob, [(setting[flags.knob], tally) for setting, tally in tallies])
        print(f"look at {flags.curve}")
    return worst


def trials_of_a_class(flags: argparse.Namespace, simultaneous: int) -> int:
    """As many as were asked for; else as many as so few callers can make."""
    if flags.quick:
        return QUICK_PER_CLASS
    return flags.per_class or min(PER_CLASS, PER_CALLER * simultaneous)


async def _one(
    calls: Sequence[Planned],
    spoken: material.Material,
    setting: TurnTable,
    simultaneous: int,
    flags: argparse.Namespace,
) -> Tally:
    with TemporaryDirectory(prefix="native-bench-") as folder:
        async with started(Path(folder), calls, spoken.bot, setting, flags.lag, flags.reply) as world:
            run = await place(world, calls, simultaneous)
    return await asyncio.to_thread(judged, run, Listener(spoken.bot, len(flags.reply) * CHAR_MS / 1000))


def tell(case: Case, flags: argparse.Namespace, setting: TurnTable, tally: Tally) -> int:
    """Print a run and keep it; refuse to where the callers were the bottleneck."""
    named = ", ".join(f"{key} = {value}" for key, value in setting.items())
    print(f"\n{named or 'default settings'}", flush=True)
    slip_ms = tally.slip_ms.p99 if tally.slip_ms else 0.0
    is_late = slip_ms > flags.slip
    if is_late:
        print(
            f"not reported: the callers themselves were late, p99 {slip_ms} ms (limit {flags.slip:g}); free the machine"
        )
        print("\n".join(tally.failures[:SHOWN]))
    else:
        print(table(tally), flush=True)
    head = {"case": case.name, "material": flags.material, "seed": flags.seed, "turn": setting}
    append(flags.json, [head | facts() | ({"slip_p99_ms": slip_ms} if is_late else figures(tally))])
    append(flags.trials, [head | {"simultaneous": tally.simultaneous} | trial for trial in trials(tally)])
    return 1 if is_late or tally.failures or tally.complaints else 0


def _count(text: str) -> int:
    count = int(text)
    if count < 1:
        raise ValueError(text)
    return count


def _counts(text: str) -> list[int]:
    return [_count(each) for each in text.split(",")]


def _setting(text: str) -> tuple[str, float | int | bool]:
    key, _, value = text.partition("=")
    if value in ("true", "false"):
        return key, value == "true"
    return key, _number(value)


def _number(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"expected a number, got {text!r}") from None
