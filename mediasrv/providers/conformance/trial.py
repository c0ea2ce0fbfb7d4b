"""A trial: what is said to a provider, and what is expected of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.codec import encode
from mediasrv.audio.format import MULAW_8K, PTIME_MS, AudioFormat, Encoding, samples_in
from mediasrv.audio.transcode import Transcoder
from mediasrv.providers.base import JUDGE_LIMIT_S

# Of a clip's peak: above room noise, below any vowel.
_VOICED = 0.1
_MARGIN_MS = 40


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trial:
    """One for all providers; what is not of their stage is nothing to them."""

    pcm: NDArray[np.int16]
    """Somebody who says something: int16 mono."""
    rate_hz: int
    audio: AudioFormat = MULAW_8K
    """The carrier's format."""
    rounds: int = 3
    """How often the time to the first result is measured; the median counts."""
    limit_s: float = 20.0
    """Longest time for one check."""
    stop_limit_s: float = 0.25
    """Longest time for a stream to stop when it is cancelled or closed: a caller has broken in."""
    judge_limit_s: float = JUDGE_LIMIT_S
    """Longest time for a turn detector's answer: later ones do not count."""
    settle_limit_s: float = 3.0
    """Longest time for sockets and processes to be gone after ``aclose``."""
    speed: float = 1.0
    """How fast the clip is spoken, in multiples of real time."""
    ms_per_char: tuple[float, float] = (25.0, 250.0)
    """Bounds of plausible speech: a mistaken rate or encoding is off by a factor of two or more."""

    def frames(self, audio: AudioFormat) -> list[bytes]:
        """The clip from its first sound to its last, encoded, one ptime each; the last may be shorter."""
        level = np.abs(self.pcm.astype(np.int32))
        loud = np.flatnonzero(level >= _VOICED * level.max())
        margin = samples_in(_MARGIN_MS, self.rate_hz)
        pcm = np.ascontiguousarray(self.pcm[max(0, loud[0] - margin) : loud[-1] + margin])
        source = AudioFormat(Encoding.L16, self.rate_hz)
        transcoder = Transcoder(source, audio)
        payload = transcoder.push(encode(source.encoding, pcm)) + transcoder.flush()
        return [payload[at : at + audio.frame_bytes] for at in range(0, len(payload), audio.frame_bytes)]


def quiet(audio: AudioFormat) -> bytes:
    """A frame of silence."""
    return encode(audio.encoding, np.zeros(samples_in(PTIME_MS, audio.rate_hz), np.int16))
