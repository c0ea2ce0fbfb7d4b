"""A run against its budgets: the figures that a server is judged by, all together, each with what it may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from native_bench.turntaking.plan import Over
from native_bench.turntaking.utterances import Kind

Figures = dict[str, Any]
Row = tuple[str, ...]

SOFT = (Over.BACKCHANNEL, Over.COUGH, Over.CLATTER, Over.DTMF, Over.MUSIC, Over.ECHO)
RESUME_LIMIT_MS = 400


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a run."""

    name: str
    value: float
    unit: str
    most: float | None = None
    """What it may be at most; ``None``: only told."""

    @property
    def is_over(self) -> bool:
        """Whether it breaks its budget."""
        return self.most is not None and self.value > self.most

    def row(self) -> Row:
        """For a table."""
        digits = 1 if self.unit == "%" else 0
        limit = "" if self.most is None else f"at most {self.most:g} {self.unit}"
        return self.name, f"{self.value:.{digits}f} {self.unit}", limit, "OVER" if self.is_over else ""


def judged_by(figures: Figures) -> list[Figure]:
    """All of a run that has any."""
    return [*_turns(figures["turns"]), *_barge_ins(figures["barge_ins"]), *_replies(figures)]


def _turns(turns: Figures) -> list[Figure]:
    found: list[Figure] = []
    latency = turns.get("all", {}).get("latency_ms")
    if latency is not None:
        found += [
            Figure("last sample to answer, p50", latency["p50"], "ms", 450),
            Figure("last sample to answer, p99", latency["p99"], "ms", 600),
        ]
    limits = {Kind.FLOWING: 0.0, Kind.NATURAL: None, Kind.SHORT: 10.0, Kind.LONG: 20.0}
    for kind, most in limits.items():
        if kind.value in turns:
            found.append(Figure(f"cut-ins, {kind.value}", _percent(turns[kind.value], "cut_ins"), "%", most))
    return [*found, Figure("missed turns", _percent(turns["all"], "missed"), "%", 1)] if "all" in turns else found


def _barge_ins(barge_ins: Figures) -> list[Figure]:
    found: list[Figure] = []
    clear = barge_ins.get(Over.BARGE_IN.value, {}).get("clear_ms")
    if clear is not None:
        found += [
            Figure("onset to clear, p50", clear["p50"], "ms", 150),
            Figure("onset to clear, p99", clear["p99"], "ms", 220),
        ]
    found += [Figure(f"missed: {name}", _percent(each, "missed"), "%", 1) for name, each in barge_ins.items()]
    return found


def _replies(figures: Figures) -> list[Figure]:
    found: list[Figure] = []
    disturbances = figures["disturbances"]
    for over in SOFT:
        if over.value in disturbances:
            share = _percent(disturbances[over.value], "abandoned")
            found.append(Figure(f"abandoned: {over.value}", share, "%", 1))
    resumed = [each["resumed_ms"]["p99"] for each in disturbances.values() if each["resumed_ms"]]
    if resumed:
        found.append(Figure("silence to resumption, p99 of the worst kind", max(resumed), "ms", RESUME_LIMIT_MS))
    if figures["largest_step_db"] is not None:
        found.append(Figure("largest step at an interruption", figures["largest_step_db"], "dBFS", -30))
    if figures["speculation"] is not None and figures["speculation"]["tokens"]:
        wasted = 100 * figures["speculation"]["wasted_tokens"] / figures["speculation"]["tokens"]
        found.append(Figure("tokens for replies that nobody heard", wasted, "%"))
    return found


def _percent(found: Figures, key: str) -> float:
    return 100 * float(found[key]) / found["count"] if found["count"] else 0.0
