"""What is a cut-in, a missed turn, an abandoned reply: pure judgement on where voices were, in samples.

``Heard`` says where the bot was audible in a call, to the sample, and where the beginning and the end of a reply were
recognised in it. Each function judges one thing that the caller did against that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mediasrv.simulator.voice import Span

ANSWER_LIMIT_MS = 3000
"""An answer that takes longer is none."""
TALKS_ON_MS = 1000
"""A bot that is heard so long after the caller's onset did not let him break in."""


@dataclass(frozen=True, slots=True)
class Heard:
    """The bot, as one caller heard it; places are samples since the stream began."""

    rate_hz: int
    spans: Sequence[Span]
    """Where it spoke; silences up to 200 ms included."""
    clears: Sequence[int]
    """When its server dropped what was queued at the carrier."""
    heads: Sequence[int]
    """Where a reply's first words were heard."""
    tails: Sequence[int]
    """Where a reply's last words were heard."""

    def ms(self, samples: int) -> float:
        """As milliseconds."""
        return 1000 * samples / self.rate_hz


COLLISION_MS = 200
"""A bot that begins within this of the caller's onset has not judged what he says: both began at once."""


@dataclass(frozen=True, slots=True)
class TurnVerdict:
    """What came of something that was said to be answered."""

    is_collision: bool
    """Whether both began at once; then nothing else counts."""
    cut_in_ms: float | None
    """How long after the caller's onset the bot began to speak, if it did before he was done."""
    latency_ms: float | None
    """From the caller's last sample to the first audible one of the answer."""

    @property
    def is_missed(self) -> bool:
        """Whether nobody answered."""
        return self.cut_in_ms is None and self.latency_ms is None and not self.is_collision


def judge_turn(heard: Heard, said: Span, until: int) -> TurnVerdict:
    """Judge the answer to ``said``; whatever begins from ``until`` on belongs to something else."""
    fair = said.begin + COLLISION_MS * heard.rate_hz // 1000
    early = next((span.begin for span in heard.spans if fair <= span.begin < said.end), None)
    limit = min(until, said.end + ANSWER_LIMIT_MS * heard.rate_hz // 1000)
    answer = next((span.begin for span in heard.spans if said.end <= span.begin < limit), None)
    return TurnVerdict(
        is_collision=any(said.begin <= span.begin < fair for span in heard.spans),
        cut_in_ms=None if early is None else heard.ms(early - said.begin),
        latency_ms=None if answer is None else heard.ms(answer - said.end),
    )


@dataclass(frozen=True, slots=True)
class BargeInVerdict:
    """What came of something that was said over the bot's reply, to stop it."""

    clear_ms: float | None
    """From the caller's onset to the clear on the wire."""
    silent_ms: float | None
    """From the caller's onset to the bot's last audible sample."""
    is_missed: bool
    """Whether the bot was still heard a second later, or again while the caller spoke."""


def judge_barge_in(heard: Heard, said: Span) -> BargeInVerdict:
    """Judge how the bot gave way."""
    talks_on = said.begin + TALKS_ON_MS * heard.rate_hz // 1000
    interrupted = next((span for span in heard.spans if span.begin <= said.begin < span.end), None)
    clear = next((place for place in heard.clears if said.begin <= place < max(said.end, talks_on)), None)
    return BargeInVerdict(
        clear_ms=None if clear is None else heard.ms(clear - said.begin),
        silent_ms=None if interrupted is None else heard.ms(interrupted.end - said.begin),
        is_missed=any(span.begin < max(said.end, talks_on) and span.end > talks_on for span in heard.spans),
    )


@dataclass(frozen=True, slots=True)
class DisturbanceVerdict:
    """What came of something that ought not to have stopped the bot's reply."""

    is_abandoned: bool
    """Whether the reply was not heard to its end, or was begun anew."""
    is_broken: bool
    """Whether it paused, or was cleared."""
    resumed_ms: float | None
    """Where it paused and went on: the longest silence, counted from when the caller was silent too."""


def judge_disturbance(heard: Heard, made: Span, until: int) -> DisturbanceVerdict:
    """Judge whether the reply that was being heard at ``made.begin`` went on to its end."""
    tail = next((place for place in heard.tails if made.begin <= place < until), None)
    last = until if tail is None else tail
    # A head that lies under the very beginning of what was done is that of this reply.
    slack = heard.rate_hz // 5
    anew = any(made.begin + slack < place < last for place in heard.heads)
    pauses = [
        (before.end, after.begin)
        for before, after in zip(heard.spans, heard.spans[1:], strict=False)
        if before.end > made.begin and after.begin < last
    ]
    cleared = any(made.begin <= place < last for place in heard.clears)
    waits = [max(0, after - max(before, made.end)) for before, after in pauses]
    return DisturbanceVerdict(
        is_abandoned=tail is None or anew,
        is_broken=bool(pauses) or cleared or tail is None,
        resumed_ms=heard.ms(max(waits)) if waits and tail is not None and not anew else None,
    )
