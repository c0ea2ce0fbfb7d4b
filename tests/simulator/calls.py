"""A finished call made by hand, for what measures and draws calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import L16_8K
from mediasrv.simulator.conversation import Conversation
from mediasrv.simulator.person import Said
from mediasrv.simulator.voice import Span

RATE = 8000


def voice(*spans_ms: tuple[int, int], duration_ms: int) -> NDArray[np.int16]:
    """Silence with a loud square wave in these spans, so that each first and last sample is exact."""
    pcm = np.zeros(duration_ms * RATE // 1000, np.int16)
    for begin_ms, end_ms in spans_ms:
        span = slice(begin_ms * RATE // 1000, end_ms * RATE // 1000)
        pcm[span] = 4000 * (-1) ** np.arange(len(pcm[span]))
    return pcm


def call(
    caller: Mapping[str, tuple[int, int]], *agent: tuple[int, int], duration_ms: int = 10_000, **facts: Any
) -> Conversation:
    """A call in which the caller and the agent speak in these spans, in milliseconds; ``facts`` are other fields."""
    said = (
        Said(name, f"the words of {name}", Span(begin_ms * RATE // 1000, end_ms * RATE // 1000))
        for name, (begin_ms, end_ms) in caller.items()
    )
    fields: dict[str, Any] = {
        "audio": L16_8K,
        "caller": voice(*caller.values(), duration_ms=duration_ms),
        "agent": voice(*agent, duration_ms=duration_ms),
        "said": tuple(said),
        "gaps": (),
        "clears": (),
        "marks": (),
        "unheard_samples": 0,
        "tones": "",
        "lateness_ms": np.array([0.5], np.float32),
        "sent": {"start": 1},
        "received": {},
        "errors": (),
        "ending": "the caller hung up",
        "close_code": 1000,
    }
    return Conversation(**(fields | facts))
