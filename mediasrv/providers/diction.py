"""A voice's language on its WebSocket, sans-IO: what is written to speak, and what is made of what comes.

A diction belongs to one socket, which speaks one reply at a time and many after another::

    begin ─► speak … speak ─► finish        until ``is_over``
         └───────────────────► cancel       until ``is_free``

What is to be sent lies in ``outbox``. Audio of a reply that was cancelled is never given to the next: vendors who name
the reply with each piece of audio are free for the next one at once, others when they have confirmed that they stopped,
and those who cannot do that are not free again.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any, ClassVar

import orjson

from mediasrv.audio.format import AudioFormat
from mediasrv.errors import ProviderError
from mediasrv.providers.base import Speech
from mediasrv.providers.loosejson import word

STAGE = "tts"

Message = str | bytes
NOTHING: Sequence[Speech] = ()


class Diction(ABC):
    """One socket of one vendor; ``now`` is in monotonic seconds."""

    provider: ClassVar[str]
    """The name in configuration."""
    idle_s: ClassVar[float] = math.inf
    """Time between two calls of ``keep_alive`` while nothing is spoken."""
    keep_s: ClassVar[float] = 240.0
    """Longest time that a socket is kept for a reply to come."""
    fatal: ClassVar[frozenset[int]] = frozenset({1002, 1003, 1007, 1008})
    """Close codes that the same reply would meet again."""

    def __init__(self, audio: AudioFormat) -> None:
        self.audio = audio
        self.outbox: list[Message] = []
        """What is to be sent."""

    @abstractmethod
    def begin(self) -> None:
        """A reply begins; only when the one before is over, or cancelled and ``is_free``."""

    @abstractmethod
    def speak(self, phrase: str, now: float) -> None:
        """Speak a phrase."""

    @abstractmethod
    def finish(self, now: float) -> None:
        """There are no more phrases."""

    @abstractmethod
    def cancel(self) -> None:
        """The rest of the reply is not wanted."""

    def keep_alive(self) -> None:
        """Nothing has been spoken for a while."""

    @abstractmethod
    def read(self, message: Message, now: float) -> Sequence[Speech]:
        """Take a message; raise ``ProviderError`` where it reports a failure. What is broken or unknown is skipped."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether all of the reply was spoken."""

    @property
    @abstractmethod
    def owes(self) -> bool:
        """Whether there is something for the vendor to say."""

    @property
    @abstractmethod
    def is_free(self) -> bool:
        """Whether the next reply may begin."""

    def closed(self, code: int, reason: str) -> ProviderError:
        """The error that a close of the vendor's stands for."""
        return self.failure(f"closed the socket with {code} {word(reason)}".rstrip(), retryable=code not in self.fatal)

    def failure(self, text: str, *, retryable: bool) -> ProviderError:
        """An error of this provider."""
        return ProviderError(text, stage=STAGE, provider=self.provider, retryable=retryable)

    def say(self, **message: Any) -> None:
        """Put a JSON message into the outbox."""
        self.outbox.append(orjson.dumps(message).decode())


class SegmentDiction(Diction):
    """A vendor without times and names, who speaks segments of text in their order and says when each is done.

    The words of a segment go with its first audio.
    """

    def __init__(self, audio: AudioFormat) -> None:
        super().__init__(audio)
        self._segments: deque[str] = deque()  # asked for and not done
        self._is_told = False  # the first segment's words
        self._is_whole = True
        self._is_deaf = False  # what comes belongs to a reply that was cancelled
        self._rest = b""

    def begin(self) -> None:
        self._is_whole = False

    def finish(self, now: float) -> None:
        self._is_whole = True

    @property
    def is_over(self) -> bool:
        return self._is_whole and not self.owes

    @property
    def owes(self) -> bool:
        return bool(self._segments)

    @property
    def is_free(self) -> bool:
        return self.is_over and not self._is_deaf

    def heard(self, payload: bytes) -> Sequence[Speech]:
        """Audio came; it belongs to the first segment that is not done."""
        if self._is_deaf or not self._segments:
            return NOTHING
        data = self._rest + payload
        whole = len(data) - len(data) % self.audio.bytes_per_sample
        self._rest = data[whole:]
        return [Speech(data[:whole], self._tell())] if whole else NOTHING

    def done(self) -> Sequence[Speech]:
        """The first segment is done; words that had no audio are told without."""
        if self._is_deaf or not self._segments:
            return NOTHING
        text = self._tell()
        self._segments.popleft()
        self._is_told, self._rest = False, b""
        return [Speech(b"", text)] if text else NOTHING

    def forget(self) -> None:
        """Nothing is owed any more, and what comes is not listened to until ``stopped``."""
        self._segments.clear()
        self._is_told, self._rest = False, b""
        self._is_whole = self._is_deaf = True

    def stopped(self) -> None:
        """The vendor has stopped speaking what was cancelled."""
        self._is_deaf = False

    def _tell(self) -> str:
        if self._is_told:
            return ""
        self._is_told = True
        return self._segments[0]
