"""All that a run says about the server, counted: together, because each figure is easy at the others' cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from mediasrv.simulator.voice import Span
from native_bench.turntaking.callers import Call, Run
from native_bench.turntaking.hearing import Listener, largest_step_db
from native_bench.turntaking.judgement import (
    BargeInVerdict,
    DisturbanceVerdict,
    Heard,
    TurnVerdict,
    judge_barge_in,
    judge_disturbance,
    judge_turn,
)
from native_bench.turntaking.person import Performed
from native_bench.turntaking.plan import BARGE_INS
from native_bench.turntaking.utterances import Kind

_AROUND_S = 1.5


@dataclass(frozen=True, slots=True)
class Distribution:
    """Some figures of many."""

    count: int
    p50: float
    p90: float
    p99: float
    most: float


def distribution(values: Iterable[float | None]) -> Distribution | None:
    """Describe those that are there; ``None`` when none is."""
    found = np.array([value for value in values if value is not None])
    if not len(found):
        return None
    return Distribution(len(found), *(round(float(each), 1) for each in np.percentile(found, (50, 90, 99, 100))))


@dataclass(frozen=True, slots=True)
class Turned:
    """An utterance and what came of it."""

    kind: str
    line: str
    name: str
    verdict: TurnVerdict


@dataclass(frozen=True, slots=True)
class BrokeIn:
    """A barge-in and what came of it."""

    kind: str
    line: str
    name: str
    verdict: BargeInVerdict
    step_db: float | None
    """The largest step where the bot broke off, dB below full scale."""


@dataclass(frozen=True, slots=True)
class Disturbed:
    """A disturbance and what came of it."""

    kind: str
    line: str
    name: str
    verdict: DisturbanceVerdict
    step_db: float | None


@dataclass(frozen=True, slots=True)
class Speculation:
    """Replies that were asked for, against those that were heard."""

    asked: int
    heard: int
    tokens: int
    wasted_tokens: int
    """Of replies that nobody heard: all tokens but those of as many of the longest replies as were heard."""

    @property
    def wasted(self) -> float:
        """Part of the tokens, 0 to 1."""
        return self.wasted_tokens / self.tokens if self.tokens else 0.0


@dataclass(slots=True)
class Tally:
    """A run, judged."""

    simultaneous: int
    seconds: float
    slip_ms: Distribution | None
    failures: Sequence[str]
    turns: list[Turned] = field(default_factory=list)
    barge_ins: list[BrokeIn] = field(default_factory=list)
    disturbances: list[Disturbed] = field(default_factory=list)
    void: list[str] = field(default_factory=list)
    """Kinds of the trials that could not be made because the bot was silent."""
    replies_heard: int = 0
    speculation: Speculation | None = None
    complaints: Sequence[str] = ()
    """What the providers' stand-ins would not stand."""
    underruns: int = 0
    cores: dict[str, float] = field(default_factory=dict)
    """How much of a core each process kept busy, by name."""


def judged(run: Run, listener: Listener) -> Tally:
    """Judge all calls of a run."""
    tally = Tally(run.simultaneous, round(run.seconds, 1), distribution(run.lateness_ms), run.failures)
    for call in run.calls:
        heard = listener.hear(call.conversation)
        tally.void += [trial.kind.value for trial in call.void]
        tally.replies_heard += len(heard.heads)
        tally.underruns += sum(not gap.marked for gap in call.conversation.gaps)
        for done in call.performed:
            _judge(tally, call, heard, done)
    tally.speculation = speculation(run.ledgers["llm"].get("sent", ()), tally.replies_heard)
    tally.cores = {name: round(busy, 2) for name, busy in run.cores.items()}
    tally.complaints = [each for ledger in run.ledgers.values() for each in ledger.get("complaints", ())]
    return tally


def speculation(sent: Sequence[int], heard: int) -> Speculation:
    """Count what was asked for in vain."""
    wasted = sorted(sent, reverse=True)[heard:]
    return Speculation(len(sent), heard, sum(sent), sum(wasted))


def _judge(tally: Tally, call: Call, heard: Heard, done: Performed) -> None:
    trial, span = done.trial, Span(done.begin, done.end)
    line, kind = trial.line.name, trial.kind
    if isinstance(kind, Kind):
        tally.turns.append(Turned(kind.value, line, trial.name, judge_turn(heard, span, done.until)))
        return
    step_db = _step_db(call, heard, span)
    if kind not in BARGE_INS:
        verdict = judge_disturbance(heard, span, done.until)
        broken_db = step_db if verdict.is_broken else None
        tally.disturbances.append(Disturbed(kind.value, line, trial.name, verdict, broken_db))
        return
    broke = judge_barge_in(heard, span)
    tally.barge_ins.append(BrokeIn(kind.value, line, trial.name, broke, step_db))
    if not broke.is_missed:
        tally.turns.append(Turned(kind.value, line, trial.name, judge_turn(heard, span, done.until)))


def _step_db(call: Call, heard: Heard, span: Span) -> float | None:
    """The largest step where a reply broke off or went on near what the caller did; not where a new one began."""
    spoken = next((each for each in heard.spans if each.begin <= span.begin < each.end), None)
    if spoken is None:
        return None
    around = int(_AROUND_S * heard.rate_hz)
    return largest_step_db(
        call.conversation.agent, span.begin, min(spoken.end + heard.rate_hz // 10, span.end + around)
    )
