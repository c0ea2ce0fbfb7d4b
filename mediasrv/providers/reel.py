"""The last seconds of a call's audio, how far into it the present socket has come, and who waits for more of it.

Positions are bytes since the call began, so they outlive the socket: one that breaks is followed by another that starts
where the first one's knowledge ended. A frame that comes is appended, and its end compared with the next position at
which there is something to do: to drop what is old, or to tell whoever follows the reel that there is enough for him.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from mediasrv.audio.format import AudioFormat

KEPT_MS = 10_000
"""Beyond this, what the caller said first is lost: it would come too late to be answered."""
# The oldest audio is dropped in strides of this, so that dropping it costs nothing per frame.
_STRIDE_MS = 1000
_NEVER = sys.maxsize


class Reel:
    """Keeps encoded audio of one format for a while."""

    __slots__ = (
        *("_audio", "_bytes_per_ms", "_due_at", "_follower", "_frame_bytes", "_kept_bytes", "_look_at"),
        *("_stride_bytes", "audio", "end", "given"),
    )

    def __init__(self, audio: AudioFormat, kept_ms: int = KEPT_MS) -> None:
        self.audio = audio
        """The format."""
        self._frame_bytes = audio.frame_bytes
        self._bytes_per_ms = audio.bytes_in(1000) / 1000
        self._kept_bytes = audio.bytes_in(kept_ms)
        self._stride_bytes = audio.bytes_in(_STRIDE_MS)
        self.restart()

    def restart(self) -> None:
        """Forget all audio and whoever follows, as if the call began now."""
        self._audio = bytearray()
        self.end = 0
        """Position behind the newest audio."""
        self.given = 0
        """Position behind what the socket has been given."""
        self._look_at = 0
        self.unfollow()

    def push(self, payload: bytes) -> None:
        """Append audio, whole samples."""
        self._audio += payload
        self.end = end = self.end + len(payload)
        if end >= self._look_at:
            self._look()

    def unfollow(self) -> None:
        """Call nobody any more."""
        self._follower: Callable[[], object] | None = None
        self._due_at = _NEVER

    def follow(self, follower: Callable[[], object], enough_bytes: int) -> None:
        """Call somebody, in the place of whoever was to be called, once there is so much that was not given.

        He is called once, and at the next ``push`` at the earliest.
        """
        self._follower, self._due_at = follower, self.given + enough_bytes
        self._look_at = min(self._look_at, self._due_at)

    def keep(self, kept_ms: int) -> None:
        """From now on, keep so much."""
        self._kept_bytes = self.audio.bytes_in(kept_ms)
        self._look_at = self.end

    def take(self, most_bytes: int) -> bytes:
        """The next audio to be given to the socket; what was dropped in the meantime is passed over."""
        start = self.end - len(self._audio)
        self.given = max(self.given, start)
        piece = bytes(self._audio[self.given - start : self.given - start + most_bytes])
        self.given += len(piece)
        return piece

    def since(self, position: int) -> bytes:
        """All from a position on that is still there."""
        return bytes(self._audio[max(0, position - self.end + len(self._audio)) :])

    def rewind(self, position: int) -> None:
        """Give audio from this position on, or the first whole frame behind it that is still there."""
        oldest = self.end - len(self._audio)
        self.given = min(max(-(-position // self._frame_bytes) * self._frame_bytes, oldest), self.end)

    def bytes_in(self, duration_ms: float) -> int:
        """Bytes of a duration, or the position of a media time."""
        return round(duration_ms * self._bytes_per_ms)

    def ms_at(self, position: int) -> float:
        """The media time of a position, or the duration of bytes."""
        return position / self._bytes_per_ms

    @property
    def left_ms(self) -> float:
        """How much is kept that the socket has not been given."""
        return min(self.end - self.given, len(self._audio)) / self._bytes_per_ms

    @property
    def end_ms(self) -> float:
        """Media time of the newest audio."""
        return self.end / self._bytes_per_ms

    def _look(self) -> None:
        """Do what there is to do at this position, and find the next."""
        follower = self._follower
        if follower is not None and self.end >= self._due_at:
            self.unfollow()
            follower()
        surplus = len(self._audio) - self._kept_bytes
        if surplus >= self._stride_bytes:
            del self._audio[:surplus]
            surplus = 0
        self._look_at = min(self._due_at, self.end + self._stride_bytes - surplus)
