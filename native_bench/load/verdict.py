"""What a run at some number of calls was worth, and what broke in it first. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SLIP_LIMIT_MS = 10.0
LATENCY_LIMIT_MS = 25.0
MEMORY_LIMIT_KB = 100.0


@dataclass(frozen=True, slots=True)
class Spread:
    """How figures are spread, milliseconds."""

    count: int
    p50: float
    p90: float
    p99: float
    most: float


def spread(values: Sequence[float]) -> Spread | None:
    """``None`` of nothing; what never came is infinite, and counts. The 99th percentile is a value that was seen."""
    if not len(values):
        return None
    p50, p90, p99 = np.percentile(np.asarray(values, np.float64), (50, 90, 99), method="higher")
    return Spread(len(values), *(round(float(each), 2) for each in (p50, p90, p99, max(values))))


def quantiles(values: Sequence[float], count: int = 51) -> list[float]:
    """Evenly spaced quantiles from the least value to the greatest, each a value that was seen; none of nothing."""
    if not len(values):
        return []
    found = np.percentile(np.asarray(values, np.float64), np.linspace(0, 100, count), method="higher")
    return [round(float(each), 2) for each in found]


@dataclass(frozen=True, slots=True)
class Slope:
    """A straight line through samples of something that should not grow."""

    rise: float
    """By one of what it is over: a minute, a thousand calls."""
    error: float
    """Standard error of that."""

    @property
    def at_least(self) -> float:
        """What it surely grows by, leaving two errors aside; 0 when it may not grow at all."""
        return max(0.0, self.rise - 2 * self.error)


def slope(over: Sequence[float], values: Sequence[float]) -> Slope:
    """Least squares; flat when there are less than three samples."""
    if len(over) < 3:
        return Slope(0.0, 0.0)
    x = np.asarray(over, np.float64)
    y = np.asarray(values, np.float64)
    x = x - x.mean()
    power = float(x @ x)
    if not power:
        return Slope(0.0, 0.0)
    rise = float(x @ y) / power
    rest = y - y.mean() - rise * x
    return Slope(rise, float(np.sqrt(rest @ rest / (len(y) - 2) / power)))


@dataclass(frozen=True, slots=True)
class Step:
    """One run at one number of calls."""

    calls: int
    seconds: float
    """Of measurement, after all calls were up."""
    cpu_ms: float
    """Processor time of the server for a call-second."""
    starved_percent: float
    """Of the time, how long the server could have run and its core was somebody else's."""
    memory_mb: float
    """Resident, at the end."""
    call_kb: float
    """By how much the first calls made it grow, for each of them."""
    growth: Slope
    """Of the memory of a call, KB a minute."""
    answers: Spread | None
    """From the caller's last voiced sample to the answer's first; what never came is infinite."""
    silence: Spread | None
    """In utterances that were heard: how long each was silent within."""
    stalls: Spread | None
    """How long the server took to answer a ping."""
    slip: Spread | None
    """How late callers sent their frames."""
    cut_ins: int
    """Answers that began before the caller had finished."""
    helpers_percent: dict[str, float] = field(default_factory=dict)
    """Of one core, what callers and stand-ins took."""
    failures: Sequence[str] = ()
    """Calls that were not taken, or broke off."""
    answer_quantiles: Sequence[float] = ()
    """Of the answers' latencies, from the least to the greatest, evenly spaced."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a step breaks."""

    slip_ms: float = SLIP_LIMIT_MS
    latency_ms: float = LATENCY_LIMIT_MS
    memory_kb: float = MEMORY_LIMIT_KB


def bottleneck(step: Step, limits: Limits) -> str:
    """Why a step says nothing about the server; empty when it does."""
    if step.slip is not None and step.slip.p99 > limits.slip_ms:
        return f"the callers themselves were late, p99 {step.slip.p99:.1f} ms (limit {limits.slip_ms:g})"
    return ""


def breaches(step: Step, single_ms: float | None, limits: Limits) -> list[str]:
    """What broke, in words; ``single_ms`` is how long one call alone waits for an answer."""
    found: list[str] = []
    if step.failures:
        found.append(f"{len(step.failures)} calls failed: {step.failures[0]}")
    if step.silence is None:
        found.append("nothing was heard")
    elif step.silence.p99 > 0:
        found.append(f"silence inside an utterance, p99 {step.silence.p99:.0f} ms")
    if step.answers is None:
        found.append("nobody was to be answered: measure for longer")
    elif single_ms is not None and step.answers.p99 > single_ms + limits.latency_ms:
        added = step.answers.p99 - single_ms
        found.append(f"response latency, p99 {added:.0f} ms over one call's (limit {limits.latency_ms:g})")
    if step.growth.at_least > limits.memory_kb:
        found.append(f"memory, {step.growth.rise:.0f} KB a minute for each call (limit {limits.memory_kb:g})")
    return found


def plain(value: Any) -> Any:
    """Figures as JSON has them: what is infinite is ``null``."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value
