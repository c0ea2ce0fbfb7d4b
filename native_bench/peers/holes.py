"""Holes in what callers heard: silence within an utterance that nobody's voice explains. Pure.

The bot's voice has no digital silence in it here, so wherever there is some between its sounds, its audio came too
late, or silence was sent in its place. Where the caller spoke, or had just spoken, the bot had reason to pause.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mediasrv.simulator.voice import Span, utterances
from native_bench.turntaking.callers import Call
from native_bench.turntaking.hearing import silences
from native_bench.turntaking.material import RATE_HZ

PARTED_MS = 1_000
"""A shorter silence is a hole in an utterance; a longer one parts two."""
_AFTER_MS = 1_000


def silences_ms(call: Call) -> list[float]:
    """How long each utterance that the caller heard was silent within."""
    return within(call.conversation.agent, [Span(done.begin, done.end) for done in call.performed])


def within(agent: NDArray[np.int16], said: Sequence[Span]) -> list[float]:
    """The same of samples, with where the caller spoke."""
    holes = [each for each in silences(agent) if not any(_excuses(span, each) for span in said)]
    return [
        sum(hole.end - hole.begin for hole in holes if spoken.begin < hole.begin and hole.end < spoken.end)
        * 1000
        / RATE_HZ
        for spoken in _joined(utterances(agent, RATE_HZ))
    ]


def _joined(spans: Sequence[Span]) -> list[Span]:
    """Stretches with less than ``PARTED_MS`` between them are one utterance."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.begin - joined[-1].end < PARTED_MS * RATE_HZ // 1000:
            joined[-1] = Span(joined[-1].begin, span.end)
        else:
            joined.append(span)
    return joined


def _excuses(said: Span, hole: Span) -> bool:
    return said.begin < hole.end and hole.begin < said.end + _AFTER_MS * RATE_HZ // 1000
