"""What was asked of a model that hears and speaks by itself, and what it was asked about."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from mediasrv.errors import ProviderError
from mediasrv.providers.realtime import SpeechPiece, ToolWanted

# Frames that precede the one by which we notice that the caller speaks: 300 ms.
LEAD_IN_FRAMES = 15
# An utterance of more than 30 s is not heard again from its beginning when a session is lost in it.
_KEPT_FRAMES = 1500


@dataclass(eq=False, slots=True)
class Asked:
    """A reply that was asked for."""

    number: int
    session: int
    """The session that it was last asked of."""
    asked_s: float
    """When that was."""
    text: str = ""
    """What is to be said; empty for a reply to the conversation."""
    is_in_history: bool = False
    """Whether the history holds all that it answers, so that no audio is needed."""
    has_begun: bool = False
    is_second: bool = False
    """Whether it was asked for again already."""
    inbox: asyncio.Queue[SpeechPiece | ToolWanted | ProviderError | None] = field(default_factory=asyncio.Queue)
    """What came of it; ``None`` ends it."""

    @property
    def needs_audio(self) -> bool:
        """Whether another session would have to hear the caller to make it."""
        return not (self.text or self.has_begun or self.is_in_history)


class Sayings:
    """Frames of the caller's utterances: silence is kept from the model, as it would be paid for."""

    def __init__(self) -> None:
        self.is_open = False
        """Whether the caller is in an utterance."""
        self._lead_in: deque[bytes] = deque(maxlen=LEAD_IN_FRAMES)
        self._kept: deque[bytes] = deque(maxlen=_KEPT_FRAMES)

    @property
    def kept(self) -> Sequence[bytes]:
        """What the caller said since the last answer began, this utterance included."""
        return self._kept

    def push(self, payload: bytes) -> bool:
        """Take a frame; returns whether it belongs to an utterance."""
        (self._kept if self.is_open else self._lead_in).append(payload)
        return self.is_open

    def begin(self) -> Sequence[bytes]:
        """The caller started to speak a moment ago: return the frames of that moment."""
        self.is_open = True
        lead_in = tuple(self._lead_in)
        self._lead_in.clear()
        self._kept.extend(lead_in)
        return lead_in

    def end(self) -> None:
        """The utterance is over."""
        self.is_open = False

    def forget(self) -> None:
        """What was said until now was answered, or is not to be."""
        self._kept.clear()
