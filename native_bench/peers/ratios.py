"""Two contenders, held against each other: figures of pairs of runs, and how theirs compare to ours. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

Figures = Mapping[str, Any]
Pair = tuple[Figures, Figures]
"""Ours and theirs, of the same calls."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is compared."""

    key: str
    title: str
    unit: str
    value: Callable[[Figures], float | None]
    """``None`` where a run has nothing to say."""


def _of(name: str, key: str) -> Callable[[Figures], float | None]:
    return lambda run: run[name][key] if run.get(name) else None


def _share(name: str, of: str) -> Callable[[Figures], float | None]:
    return lambda run: 100 * run[name] / run[of] if run.get(of) else None


def _a_minute(name: str) -> Callable[[Figures], float | None]:
    return lambda run: 60 * run[name] / run["call_seconds"] if name in run else None


MEASURES = (
    Measure("answer_p50", "last sample to answer, p50", "ms", _of("answer_ms", "p50")),
    Measure("answer_p99", "last sample to answer, p99", "ms", _of("answer_ms", "p99")),
    Measure("clear_p50", "onset to clear, p50", "ms", _of("clear_ms", "p50")),
    Measure("clear_p99", "onset to clear, p99", "ms", _of("clear_ms", "p99")),
    Measure("cut_ins", "cut-ins at pauses of 300-700 ms", "%", _share("cut_ins_at_pauses", "pauses")),
    Measure("missed", "turns not answered within 3 s", "%", _share("missed", "turns")),
    Measure("missed_barge_ins", "barge-ins that were talked over", "%", _share("missed_barge_ins", "barge_ins")),
    Measure("silence_p99", "silence inside an utterance, p99", "ms", _of("silence_ms", "p99")),
    Measure("dry", "ran dry in mid-utterance, a call-minute", "", _a_minute("underruns")),
    Measure("cpu", "processor time of a call-second", "ms", lambda run: run.get("cpu_ms")),
    Measure("waited", "its threads' wait for the core", "%", lambda run: run.get("waited_percent")),
    Measure("call", "memory of a call", "MB", lambda run: run.get("call_mb")),
    Measure("process", "memory of the process, without calls", "MB", lambda run: run.get("idle_mb")),
)


_SMALL = ("cpu", "dry", "call", "process")


@dataclass(frozen=True, slots=True)
class Compared:
    """One measure over all pairs."""

    measure: Measure
    ours: tuple[float, ...]
    theirs: tuple[float, ...]
    ratios: tuple[float, ...]
    """Theirs by ours, of the pairs where ours is not 0."""

    def row(self) -> tuple[str, ...]:
        """For a table: medians, and the median of the ratios with the least and the greatest."""
        digits = 2 if self.measure.key in _SMALL else 0
        ours, theirs = (f"{median(each):.{digits}f} {self.measure.unit}".rstrip() for each in (self.ours, self.theirs))
        ratio = f"{median(self.ratios):.2f}" if self.ratios else ""
        return (
            self.measure.title,
            ours,
            theirs,
            ratio,
            f"{min(self.ratios):.2f}-{max(self.ratios):.2f}" if ratio else "",
        )

    def figures(self) -> dict[str, Any]:
        """For a line of JSON."""
        ratio = (
            {"median": median(self.ratios), "min": min(self.ratios), "max": max(self.ratios)} if self.ratios else None
        )
        return {"ours": list(self.ours), "theirs": list(self.theirs), "unit": self.measure.unit, "ratio": ratio}


def compared(pairs: Sequence[Pair]) -> list[Compared]:
    """All measures that any pair has both sides of."""
    found: list[Compared] = []
    for measure in MEASURES:
        values = [(measure.value(ours), measure.value(theirs)) for ours, theirs in pairs]
        both = [(ours, theirs) for ours, theirs in values if ours is not None and theirs is not None]
        if both:
            ratios = tuple(theirs / ours for ours, theirs in both if ours > 0)
            found.append(Compared(measure, tuple(each[0] for each in both), tuple(each[1] for each in both), ratios))
    return found


def paired(rows: Iterable[Figures]) -> dict[tuple[str, int], list[Pair]]:
    """Pairs in the lines that were kept, of whatever runs, by peer and number of calls: ours, and theirs behind it."""
    found: dict[tuple[str, int], list[Pair]] = {}
    ours: Figures = {}
    for row in rows:
        if "contender" not in row:
            continue
        if row["contender"] != row["peer"]:
            ours = row
            continue
        says = not any(each.get("failure") or each.get("bottleneck") for each in (ours, row))
        if says and all(ours.get(key) == row[key] for key in ("peer", "calls", "seed")):
            found.setdefault((row["peer"], row["calls"]), []).append((ours, row))
        ours = {}
    return found
