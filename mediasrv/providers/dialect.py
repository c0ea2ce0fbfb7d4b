"""A recogniser's language on its WebSocket, sans-IO: what is written to it, and what is understood of its messages.

A dialect belongs to one socket. What it reads is put in three words: ``Hello``, ``Piece`` and ``TurnHint``. Whatever
else comes, and whatever is broken, is skipped; only a vendor's own report of a failure raises.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mediasrv.errors import ProviderError
from mediasrv.providers.base import TurnHint
from mediasrv.providers.loosejson import word
from mediasrv.providers.minutes import Piece

STAGE = "stt"


@dataclass(frozen=True, slots=True)
class Hello:
    """The vendor is ready for audio."""


Message = str | bytes
Reading = Hello | Piece | TurnHint
NOTHING: Sequence[Any] = ()
NOTHING_TO_SAY = Piece("", is_final=True, closed=True, answers=True)
"""The vendor has been asked for a final and has none to give."""


class Dialect(ABC):
    """One session of one vendor. Positions of what it reads count from the session's first audio."""

    provider: ClassVar[str]
    """The name in configuration."""
    greets: ClassVar[bool] = True
    """Whether a ``Hello`` comes before audio may be sent."""
    chunk_ms: ClassVar[int] = 60
    """Audio that is waited for before a message is sent while the caller speaks."""
    quiet_chunk_ms: ClassVar[int] = 240
    """The same while nobody speaks, and the most in one message; Deepgram wants no more than 250."""
    least_ms: ClassVar[int] = 0
    """Audio in the shortest message that the vendor takes."""
    speed: ClassVar[float] = 8.0
    """How fast audio may be sent, in multiples of real time."""
    burst_ms: ClassVar[int] = 2000
    """Audio that may be sent at once."""
    replay_ms: ClassVar[int] = 8000
    """How far back audio is sent again after a socket was lost; more could not be caught up with in time."""
    wants_utterances: ClassVar[bool] = False
    """Whether audio is sent within utterances only."""
    noise_ms: ClassVar[float] = -math.inf
    """Speech no longer than this may be noise to it, in which it gives no sign of life; others always give one."""
    idle_s: ClassVar[float] = 4.0
    """Time without audio after which ``keep_alive`` is sent."""
    silence_ms: ClassVar[int] = 0
    """Audio in ``keep_alive``, which moves the session's clock."""
    fatal: ClassVar[frozenset[int]] = frozenset({1002, 1003, 1007, 1008})
    """Close codes that the same session would meet again."""

    def audio(self, payload: bytes) -> Message:
        """A message of audio."""
        return payload

    def begin(self) -> Sequence[Message]:
        """The caller has begun to speak."""
        return NOTHING

    @abstractmethod
    def finalize(self) -> Sequence[Message]:
        """A final is wanted of all audio so far."""

    def commit(self, is_dirty: bool) -> Sequence[Message]:
        """The utterance is over; ``is_dirty``: there are words no final was asked for. What is sent brings a final."""
        return self.finalize() if is_dirty else NOTHING

    @abstractmethod
    def keep_alive(self) -> Sequence[Message]:
        """No audio has been sent for a while."""

    def farewell(self) -> Sequence[Message]:
        """Nothing more will be sent."""
        return NOTHING

    @abstractmethod
    def read(self, message: Message) -> Sequence[Reading]:
        """Understand a message; raise ``ProviderError`` where it reports a failure that ends the session."""

    def closed(self, code: int, reason: str) -> ProviderError:
        """The error that a close of the vendor's stands for."""
        return self.failure(f"closed the session with {code} {word(reason)}".rstrip(), retryable=code not in self.fatal)

    def failure(self, text: str, *, retryable: bool) -> ProviderError:
        """An error of this provider."""
        return ProviderError(text, stage=STAGE, provider=self.provider, retryable=retryable)
