"""What a simulated call leaves behind: both voices on one time line, and what the wire saw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import AudioFormat
from mediasrv.simulator.person import Said
from mediasrv.simulator.playout import Gap


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Conversation:
    """One call, from the stream's start to its end; all media times are in samples of ``audio.rate_hz``."""

    audio: AudioFormat
    caller: NDArray[np.int16]
    """What the caller said, as long as the call."""
    agent: NDArray[np.int16]
    """What the caller heard, silences included, as long as the call."""
    said: tuple[Said, ...]
    """The caller's utterances, where they are known."""
    gaps: tuple[Gap, ...]
    """Holes in what was heard."""
    clears: tuple[int, ...]
    """When the agent cleared."""
    marks: tuple[tuple[str, int], ...]
    """Marks that were reached, and when."""
    unheard_samples: int
    """What was still queued when the call ended: words the caller never got."""
    tones: str
    """Keys the agent sent."""
    lateness_ms: NDArray[np.float32]
    """Of each frame of the caller, how long after its intended time it was sent."""
    sent: Mapping[str, int]
    """Messages to the agent, by kind."""
    received: Mapping[str, int]
    """Messages from the agent, by kind; ``broken`` ones broke the protocol."""
    errors: tuple[str, ...]
    """What was wrong with the agent's messages, the first few."""
    ending: str
    """Who ended the call."""
    close_code: int
    """The WebSocket's close code; 1006 is a broken connection."""
