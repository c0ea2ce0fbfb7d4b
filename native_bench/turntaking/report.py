"""A tally for people, as one table, and for programs, as one JSON object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from mediasrv.simulator.table import columns
from native_bench.turntaking.budget import judged_by
from native_bench.turntaking.plan import BARGE_INS, Over
from native_bench.turntaking.tally import BrokeIn, Distribution, Disturbed, Tally, Turned, distribution
from native_bench.turntaking.utterances import Kind

Row = tuple[str, ...]
SHOWN = 5
"""Failures of calls; more of them say no more."""


def figures(tally: Tally) -> dict[str, Any]:
    """All figures of a run, by class."""
    return {
        "simultaneous": tally.simultaneous,
        "seconds": tally.seconds,
        "slip_ms": _plain(tally.slip_ms),
        "turns": {name: turn_figures(turns) for name, turns in turn_classes(tally).items()},
        "barge_ins": {name: barge_in_figures(found) for name, found in barge_in_classes(tally).items()},
        "disturbances": {name: disturbance_figures(found) for name, found in disturbance_classes(tally).items()},
        "speculation": asdict(tally.speculation) if tally.speculation else None,
        "largest_step_db": largest_step_db(tally),
        "underruns": tally.underruns,
        "cores": tally.cores,
        "void": dict(Counter(tally.void)),
        "failures": list(tally.failures),
        "complaints": sorted(set(tally.complaints)),
    }


def trials(tally: Tally) -> list[dict[str, Any]]:
    """Every trial with its verdict, for whoever wants to see which ones went wrong."""
    lists = (tally.turns, tally.barge_ins, tally.disturbances)
    return [asdict(each) for found in lists for each in found]


def turn_classes(tally: Tally) -> dict[str, list[Turned]]:
    """Utterances by kind, and those without a barge-in by line and all together."""
    opening = [each for each in tally.turns if each.kind not in _BARGE_INS]
    kinds = {kind: [each for each in tally.turns if each.kind == kind] for kind in _KINDS}
    lines = {line: [each for each in opening if each.line == line] for line in dict.fromkeys(t.line for t in opening)}
    return {name: turns for name, turns in ({"all": opening} | kinds | lines).items() if turns}


_BARGE_INS = [over.value for over in BARGE_INS]
_KINDS = [*(kind.value for kind in Kind), *_BARGE_INS]


def turn_figures(turns: Sequence[Turned]) -> dict[str, Any]:
    """Latency, cut-ins and missed turns of a class; latency counts where there was no cut-in."""
    fair = [each for each in turns if not each.verdict.is_collision]
    latencies = [each.verdict.latency_ms for each in fair if each.verdict.cut_in_ms is None]
    return {
        "count": len(fair),
        "collisions": len(turns) - len(fair),
        "latency_ms": _plain(distribution(latencies)),
        "cut_ins": sum(each.verdict.cut_in_ms is not None for each in fair),
        "missed": sum(each.verdict.is_missed for each in fair),
    }


def barge_in_classes(tally: Tally) -> dict[str, list[BrokeIn]]:
    """Barge-ins by kind."""
    kinds = {kind: [each for each in tally.barge_ins if each.kind == kind] for kind in _BARGE_INS}
    return {kind: found for kind, found in kinds.items() if found}


def barge_in_figures(found: Sequence[BrokeIn]) -> dict[str, Any]:
    """How the bot gave way."""
    verdicts = [each.verdict for each in found]
    return {
        "count": len(verdicts),
        "clear_ms": _plain(distribution(each.clear_ms for each in verdicts)),
        "silent_ms": _plain(distribution(each.silent_ms for each in verdicts if not each.is_missed)),
        "missed": sum(each.is_missed for each in verdicts),
    }


def disturbance_classes(tally: Tally) -> dict[str, list[Disturbed]]:
    """Disturbances by kind."""
    return {
        over.value: found
        for over in Over
        if (found := [each for each in tally.disturbances if each.kind == over.value])
    }


def disturbance_figures(found: Sequence[Disturbed]) -> dict[str, Any]:
    """Whether replies went on."""
    verdicts = [each.verdict for each in found]
    return {
        "count": len(verdicts),
        "abandoned": sum(each.is_abandoned for each in verdicts),
        "broken": sum(each.is_broken for each in verdicts),
        "resumed_ms": _plain(distribution(each.resumed_ms for each in verdicts)),
    }


def largest_step_db(tally: Tally) -> float | None:
    """At any interruption."""
    every = [*(each.step_db for each in tally.barge_ins), *(each.step_db for each in tally.disturbances)]
    steps = [step_db for step_db in every if step_db is not None]
    return round(max(steps), 1) if steps else None


def table(tally: Tally) -> str:
    """Lay the figures out; the text ends without a line break."""
    many = figures(tally)
    blocks = [
        [("figure", "now", "budget", ""), *(each.row() for each in judged_by(many))],
        [("what was said", "n", "p50", "p90", "p99", "max", "cut-ins", "missed"), *_turn_rows(many["turns"])],
        [("over the reply", "n", "p50", "p90", "p99", "max", "abandoned", "broken", "missed"), *_over_rows(many)],
        _facts(tally, many),
    ]
    return "\n\n".join("\n".join(columns(block)) for block in blocks)


def _turn_rows(classes: dict[str, Any]) -> list[Row]:
    return [
        (f"{name}: last sample to answer", str(each["count"]), *_cells(each["latency_ms"]),
         _share(each["cut_ins"], each["count"]), _share(each["missed"], each["count"]))
        for name, each in classes.items()
    ]  # fmt: skip


def _over_rows(many: dict[str, Any]) -> list[Row]:
    rows: list[Row] = []
    for name, each in many["barge_ins"].items():
        for what, key in (("clear", "clear_ms"), ("silence", "silent_ms")):
            missed = _share(each["missed"], each["count"])
            rows.append((f"{name}: onset to {what}", str(each["count"]), *_cells(each[key]), "", "", missed))
    for name, each in many["disturbances"].items():
        shares = [_share(each[key], each["count"]) for key in ("abandoned", "broken")]
        rows.append((f"{name}: silence to resumption", str(each["count"]), *_cells(each["resumed_ms"]), *shares, ""))
    return rows


def _facts(tally: Tally, many: dict[str, Any]) -> list[Row]:
    guess, slip, step = tally.speculation, tally.slip_ms, many["largest_step_db"]
    facts = [("simultaneous calls", f"{tally.simultaneous}, in {tally.seconds:.0f} s")]
    if guess is not None:
        asked = f"{guess.asked} asked for, {guess.heard} heard, {100 * guess.wasted:.0f} % of the tokens in vain"
        facts.append(("replies", asked))
    facts.append(("largest step at an interruption", "none" if step is None else f"{step:.1f} dBFS"))
    facts.append(("holes in utterances", str(tally.underruns)))
    facts.append(("both began at once", str(sum(each.verdict.is_collision for each in tally.turns))))
    busy = [f"{name} {share:.2f}" for name, share in tally.cores.items()]
    facts.append(("cores kept busy", ", ".join(busy) or "unknown"))
    void = [f"{count} {kind}" for kind, count in many["void"].items()]
    facts.append(("bot silent when it was to be tried", ", ".join(void) or "never"))
    facts.append(
        ("callers' own slip", "none" if slip is None else f"p50 {slip.p50} ms, p99 {slip.p99} ms, most {slip.most} ms")
    )
    return (
        facts + [("failure", each) for each in tally.failures[:SHOWN]] + [("complaint", c) for c in many["complaints"]]
    )


def _cells(found: dict[str, float] | None) -> Row:
    return ("", "", "", "") if found is None else tuple(f"{found[key]:.0f} ms" for key in ("p50", "p90", "p99", "most"))


def _share(count: int, of: int) -> str:
    return f"{count} ({100 * count / of:.0f} %)" if of else "0"


def _plain(found: Distribution | None) -> dict[str, float] | None:
    return asdict(found) if found is not None else None
