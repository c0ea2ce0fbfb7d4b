"""What the simulated caller can say: recorded clips, and clips made ready for a stream."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path

import numpy as np
import orjson
from numpy.typing import NDArray

from mediasrv.audio.codec import encode
from mediasrv.audio.format import PTIME_MS, AudioFormat, samples_in
from mediasrv.audio.resample import RATES_HZ, Resampler
from mediasrv.errors import ConfigError
from mediasrv.simulator.voice import FULL_SCALE, Span, voiced

NOISE_S = 2
"""Length of the noise loop: long enough that the ear does not hear it repeat."""


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One utterance: int16 mono."""

    name: str
    pcm: NDArray[np.int16]
    rate_hz: int
    text: str = ""
    """What is said, where known."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A clip as a stream carries it."""

    frames: tuple[bytes, ...]
    """Encoded, one ptime each; the last is filled up with silence."""
    voiced: Span
    """From the first to the last voiced sample, at the stream's rate."""


def read_clip(path: Path, text: str = "") -> Clip:
    """Read a WAV file of 16 bits; of several channels the first. ``ConfigError`` if that cannot be."""
    try:
        with path.open("rb") as raw, wave.open(raw, "rb") as file:
            if file.getsampwidth() != 2:
                raise ConfigError(f"{path}: {8 * file.getsampwidth()}-bit samples; convert it to 16-bit WAV")
            pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:: file.getnchannels()]
            rate_hz = file.getframerate()
    except (OSError, EOFError, wave.Error) as error:
        raise ConfigError(f"{path}: cannot be read as a WAV file: {error or 'it is cut off'}") from error
    if not len(pcm):
        raise ConfigError(f"{path}: holds no audio")
    if rate_hz not in RATES_HZ:
        raise ConfigError(f"{path}: {rate_hz} Hz; convert it to one of {', '.join(map(str, RATES_HZ))} Hz")
    return Clip(path.stem, pcm.astype(np.int16), rate_hz, text)


@cache
def recorded() -> Mapping[str, Clip]:
    """The recorded human speech that comes with the package, by name."""
    folder = resources.files("mediasrv") / "speech"
    texts: dict[str, str] = orjson.loads((folder / "transcripts.json").read_bytes())
    with resources.as_file(folder) as place:
        return {name: read_clip(place / f"{name}.wav", text) for name, text in texts.items()}


@lru_cache(maxsize=256)
def take(clip: Clip, audio: AudioFormat) -> Take:
    """Resample and encode a clip for a stream, once for all callers that say it."""
    resampler = Resampler(clip.rate_hz, audio.rate_hz)
    pcm = np.concatenate((resampler.push(clip.pcm), resampler.flush()))
    return Take(frames(pcm, audio), voiced(pcm, audio.rate_hz))


@lru_cache(maxsize=16)
def comfort_noise(audio: AudioFormat, noise_db: float, seed: int) -> tuple[bytes, ...]:
    """Frames of white noise at a level (dB relative to full scale, RMS), to be played in a loop."""
    scale = FULL_SCALE * 10 ** (noise_db / 20)
    noise = np.random.default_rng(seed).normal(0, scale, NOISE_S * audio.rate_hz)
    return frames(np.clip(np.round(noise), -32768, 32767).astype(np.int16), audio)


def frames(pcm: NDArray[np.int16], audio: AudioFormat) -> tuple[bytes, ...]:
    """Cut samples into encoded frames; the last is filled up with silence."""
    samples = samples_in(PTIME_MS, audio.rate_hz)
    whole = np.concatenate((pcm, np.zeros(-len(pcm) % samples, np.int16)))
    return tuple(encode(audio.encoding, whole[at : at + samples]) for at in range(0, len(whole), samples))
