"""Falling silent and beginning to speak without a click.

Where audio stops short the speaker's membrane jumps, and that is heard. So a stop is followed by a *tail*, the audio
that would have come, on its way to silence; the gain is a raised cosine, whose slope is 0 at both ends.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.codec import decode, encode
from mediasrv.audio.format import AudioFormat

# Long enough that no pitch period is cut, short enough that nobody takes it for speech that goes on.
FADE_MS = 30
# Within a sound's own attack.
ATTACK_MS = 5


def fade_out(payload: bytes, audio: AudioFormat) -> bytes:
    """Return encoded audio, whole samples, with its gain falling from 1 to 0."""
    return _shaped(payload, _falling(audio.samples_of(payload)), audio)


def fade_in(payload: bytes, audio: AudioFormat) -> bytes:
    """Return encoded audio, whole samples, with its gain rising from 0 to 1 within the first ``ATTACK_MS``."""
    attack = payload[: audio.bytes_in(ATTACK_MS)]
    return _shaped(attack, _falling(audio.samples_of(attack))[::-1], audio) + payload[len(attack) :]


def _shaped(payload: bytes, gain: NDArray[np.float64], audio: AudioFormat) -> bytes:
    pcm = decode(audio.encoding, payload)
    return encode(audio.encoding, np.rint(pcm * gain).astype(np.int16))


@lru_cache(maxsize=16)
def _falling(samples: int) -> NDArray[np.float64]:
    return 0.5 + 0.5 * np.cos(np.pi * (np.arange(samples) + 0.5) / max(samples, 1))
