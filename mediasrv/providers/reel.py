"""The last seconds of a call's audio, and how far into it the present socket has come.

Positions are bytes since the call began, so they outlive the socket: one that breaks is followed by another that starts
where the first one's knowledge ended.
"""

from __future__ import annotations

from mediasrv.audio.format import AudioFormat

# The oldest audio is dropped in strides of this, so that dropping it costs nothing per frame.
_STRIDE_MS = 1000


class Reel:
    """Keeps encoded audio of one format for a while."""

    __slots__ = ("_audio", "_bytes_per_ms", "_frame_bytes", "_kept_bytes", "_most_bytes", "end", "given")

    def __init__(self, audio: AudioFormat, kept_ms: int) -> None:
        self._frame_bytes = audio.frame_bytes
        self._bytes_per_ms = audio.bytes_in(1000) / 1000
        self._kept_bytes = audio.bytes_in(kept_ms)
        self._most_bytes = audio.bytes_in(kept_ms + _STRIDE_MS)
        self._audio = bytearray()
        self.end = 0
        """Position behind the newest audio."""
        self.given = 0
        """Position behind what the socket has been given."""

    def push(self, payload: bytes) -> None:
        """Append audio, whole samples."""
        self._audio += payload
        self.end += len(payload)
        if len(self._audio) > self._most_bytes:
            del self._audio[: -self._kept_bytes]

    def take(self, most_bytes: int) -> bytes:
        """The next audio to be given to the socket; what was dropped in the meantime is passed over."""
        start = self.end - len(self._audio)
        self.given = max(self.given, start)
        piece = bytes(self._audio[self.given - start : self.given - start + most_bytes])
        self.given += len(piece)
        return piece

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
