"""A finished call in figures: what the caller's ear says about the agent, and what our own pacing is worth.

Everything is measured on the waveforms on their common time line, not on messages: a response begins with the first
sample that the caller can hear, whatever was sent before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.person import Said
from mediasrv.simulator.voice import Span, utterances


@dataclass(frozen=True, slots=True)
class BargeIn:
    """The caller began while the agent was speaking."""

    clear_ms: float | None
    """From the caller's first voiced sample to the clear that it brought about, if it did."""
    tail_ms: float
    """How long the agent's voice went on after it."""


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One utterance of the caller and what came of it; times in seconds since the stream's start."""

    name: str
    """The clip."""
    text: str
    """What was said, where known."""
    begin_s: float
    """First voiced sample."""
    end_s: float
    """Last voiced sample."""
    answer_s: float | None
    """First audible sample of the agent's first utterance that begins after the caller's end and before the caller's
    next beginning."""
    response_ms: float | None
    """From ``end_s`` to ``answer_s``: the response latency at the caller's ear."""
    cut_in: bool
    """Whether the agent began to speak before the caller was done."""
    barge_in: BargeIn | None
    """What the agent did about being interrupted, if it was."""


@dataclass(frozen=True, slots=True)
class Hole:
    """A silence because audio came late; times as above."""

    begin_s: float
    duration_ms: float


@dataclass(frozen=True, slots=True)
class Slip:
    """How late the caller's own frames left, against their intended times: what the other figures are good for."""

    frames: int
    median_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """A call in figures."""

    format: str
    duration_s: float
    greeting_ms: float | None
    """From the stream's start to the agent's first audible sample, if that came before the caller spoke."""
    turns: tuple[TurnReport, ...]
    underruns: tuple[Hole, ...]
    """Holes inside utterances: shorter than a second, with no mark before them."""
    marked_gaps: tuple[Hole, ...]
    """The same behind a mark, where the sender may have meant to pause."""
    unheard_ms: float
    """Audio that was still queued when the call ended."""
    slip: Slip
    sent: Mapping[str, int]
    """Messages to the agent, by kind."""
    received: Mapping[str, int]
    """Messages from the agent, by kind; ``broken`` ones broke the protocol."""
    tones: str
    """Keys the agent sent."""
    errors: tuple[str, ...]
    """What was wrong with the agent's messages, the first few."""
    ending: str
    """Who ended the call."""
    close_code: int
    """The WebSocket's close code; 1006 is a broken connection."""


def report(call: Conversation) -> CallReport:
    """Measure a call."""
    rate_hz = call.audio.rate_hz
    spoken = utterances(call.agent, rate_hz)
    first_said = call.said[0].voiced.begin if call.said else len(call.caller)
    greeting = next((span.begin for span in spoken if span.begin < first_said), None)
    holes = [(gap.marked, Hole(gap.begin / rate_hz, _ms(gap.samples, rate_hz))) for gap in call.gaps]
    return CallReport(
        format=str(call.audio),
        duration_s=round(len(call.caller) / rate_hz, 3),
        greeting_ms=None if greeting is None else _ms(greeting, rate_hz),
        turns=tuple(_turn(call, index, spoken) for index in range(len(call.said))),
        underruns=tuple(hole for marked, hole in holes if not marked),
        marked_gaps=tuple(hole for marked, hole in holes if marked),
        unheard_ms=_ms(call.unheard_samples, rate_hz),
        slip=_slip(call.lateness_ms),
        sent=call.sent,
        received=call.received,
        tones=call.tones,
        errors=call.errors,
        ending=call.ending,
        close_code=call.close_code,
    )


def _turn(call: Conversation, index: int, spoken: list[Span]) -> TurnReport:
    said: Said = call.said[index]
    rate_hz = call.audio.rate_hz
    voiced = said.voiced
    following = call.said[index + 1].voiced.begin if index + 1 < len(call.said) else len(call.caller)
    answer = next((span.begin for span in spoken if voiced.end <= span.begin < following), None)
    return TurnReport(
        name=said.name,
        text=said.text,
        begin_s=voiced.begin / rate_hz,
        end_s=voiced.end / rate_hz,
        answer_s=None if answer is None else answer / rate_hz,
        response_ms=None if answer is None else _ms(answer - voiced.end, rate_hz),
        cut_in=any(voiced.begin < span.begin < voiced.end for span in spoken),
        barge_in=_barge_in(call, voiced.begin, following, spoken),
    )


def _barge_in(call: Conversation, onset: int, following: int, spoken: list[Span]) -> BargeIn | None:
    interrupted = next((span for span in spoken if span.begin < onset < span.end), None)
    if interrupted is None:
        return None
    rate_hz = call.audio.rate_hz
    clear = next((place for place in call.clears if onset <= place < following), None)
    return BargeIn(
        clear_ms=None if clear is None else _ms(clear - onset, rate_hz),
        tail_ms=_ms(interrupted.end - onset, rate_hz),
    )


def _slip(lateness_ms: NDArray[np.float32]) -> Slip:
    if not len(lateness_ms):
        return Slip(0, 0.0, 0.0, 0.0)
    median, p99, worst = (round(float(value), 2) for value in np.percentile(lateness_ms, (50, 99, 100)))
    return Slip(len(lateness_ms), median, p99, worst)


def _ms(samples: int, rate_hz: int) -> float:
    return round(1000 * samples / rate_hz, 1)
