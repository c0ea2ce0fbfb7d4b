"""Audio formats as carriers and providers name them: an encoding and a rate, always mono."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

PTIME_MS = 20
"""Duration of a frame: what every carrier of this project sends at a time."""


class Encoding(Enum):
    """How samples are written; the values are the media types on carriers' wires."""

    MULAW = "audio/x-mulaw"
    """G.711 mu-law, one byte a sample."""
    ALAW = "audio/x-alaw"
    """G.711 A-law, one byte a sample."""
    L16 = "audio/x-l16"
    """Signed 16-bit linear PCM, little-endian on every wire we speak (RFC 2586 says big-endian; no carrier obeys)."""


def samples_in(duration_ms: int, rate_hz: int) -> int:
    """Whole samples in a duration."""
    return duration_ms * rate_hz // 1000


@dataclass(frozen=True, slots=True)
class AudioFormat:
    """Encoding and rate of a mono stream."""

    encoding: Encoding
    rate_hz: int

    @property
    def bytes_per_sample(self) -> int:
        """1 for G.711, 2 for L16."""
        return 2 if self.encoding is Encoding.L16 else 1

    @property
    def frame_bytes(self) -> int:
        """Encoded size of one frame."""
        return self.bytes_in(PTIME_MS)

    def bytes_in(self, duration_ms: int) -> int:
        """Encoded size of a duration, in whole samples."""
        return samples_in(duration_ms, self.rate_hz) * self.bytes_per_sample

    def samples_of(self, payload: bytes) -> int:
        """Samples that a payload holds; an odd byte at its end does not count."""
        return len(payload) // self.bytes_per_sample

    def __str__(self) -> str:
        return f"{self.encoding.value};rate={self.rate_hz}"


MULAW_8K = AudioFormat(Encoding.MULAW, 8000)
L16_8K = AudioFormat(Encoding.L16, 8000)
L16_16K = AudioFormat(Encoding.L16, 16000)
