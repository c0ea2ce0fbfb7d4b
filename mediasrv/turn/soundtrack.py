"""The audio that the bot says, by its position on the playout axis, as long as it may be wanted.

It is kept beyond what the carrier was sent: whoever is interrupted goes back to the beginning of a word.
"""

from __future__ import annotations

from mediasrv.audio.format import AudioFormat, samples_in

# A word takes less, and a little of the way to the ear is to be made up for.
REACH_MS = 1500


class Soundtrack:
    """Encoded audio from ``start`` to ``end``, positions in samples."""

    def __init__(self, audio: AudioFormat) -> None:
        self._bytes_per_sample = audio.bytes_per_sample
        self._reach = samples_in(REACH_MS, audio.rate_hz)
        self._data = bytearray()
        self.start = 0
        """Position of the first sample that is still here."""
        self.end = 0
        """Position at which the next audio will be added."""

    def add(self, payload: bytes) -> None:
        """Append encoded audio; half a sample at its end is dropped."""
        samples = len(payload) // self._bytes_per_sample
        self._data += payload[: samples * self._bytes_per_sample]
        self.end += samples

    def read(self, start: int, end: int) -> bytes:
        """Return the audio between two positions, as far as it is here."""
        width = self._bytes_per_sample
        return bytes(self._data[max(0, start - self.start) * width : max(0, end - self.start) * width])

    def forget(self, ear: int) -> None:
        """Let go of what lies out of reach behind the ear."""
        if ear - self._reach > self.start:
            del self._data[: (ear - self._reach - self.start) * self._bytes_per_sample]
            self.start = ear - self._reach

    def cut(self, position: int) -> None:
        """Let go of everything, and begin anew at a position."""
        self._data.clear()
        self.start = self.end = position
