"""The caller's line: its noise, what is said on it, and the bot's voice that comes back on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.format import PTIME_MS
from mediasrv.audio.g711 import encode_ulaw
from mediasrv.simulator.voice import FULL_SCALE
from native_bench.echo import ROOM
from native_bench.standins.dictation import Word as Spoken
from native_bench.turntaking.material import LEVEL_DBFS, RATE_HZ, Sentence, Signal
from tests import noise

FRAME = RATE_HZ * PTIME_MS // 1000
_LOOP_S = 8
_HISTORY = RATE_HZ

Frame = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Line:
    """A kind of line."""

    name: str
    snr_db: float | None
    """Pink noise so far below the level of speech; ``None``: the hiss of a quiet line."""

    def noise(self, samples: int, rng: np.random.Generator) -> Signal:
        """Its noise, on the scale of int16."""
        if self.snr_db is None:
            return noise.white(samples, rng) * FULL_SCALE * 10 ** (QUIET_DBFS / 20)
        return noise.pink(samples, rng) * FULL_SCALE * 10 ** ((LEVEL_DBFS - self.snr_db) / 20)


QUIET_DBFS = -65.0
LINES = (Line("quiet line", None), Line("noise, 20 dB SNR", 20.0), Line("noise, 10 dB SNR", 10.0))


@dataclass(frozen=True, slots=True, eq=False)
class Sound:
    """Something that comes from the caller's side, ready to be sent in a call on one line."""

    cue: bytes
    """The frame before it: noise that no other sound begins with, encoded."""
    frames: tuple[Signal, ...]
    """What is added to the line's noise, frame by frame."""
    begin: int
    """First audible sample, counted from the end of the cue."""
    end: int
    """The one behind the last."""
    words: tuple[Spoken, ...] = ()
    """What a recogniser makes of it, with times from the end of the cue."""


def sound(line: Line, pcm: Signal, begin: int, end: int, seed: tuple[int, ...], said: Sentence | None = None) -> Sound:
    """Make a sound ready; ``seed`` is no other's."""
    (cue,) = encoded(line.noise(FRAME, np.random.default_rng(seed)))
    whole = np.concatenate((pcm, np.zeros(-len(pcm) % FRAME)))
    per_ms = RATE_HZ // 1000
    words = tuple(Spoken(word.text, word.begin // per_ms, word.end // per_ms) for word in said.words) if said else ()
    return Sound(cue, tuple(whole.reshape(-1, FRAME)), begin, end, words)


def encoded(pcm: Signal) -> list[bytes]:
    """Whole frames as the carrier sends them."""
    samples = np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)
    return [encode_ulaw(frame) for frame in samples.reshape(-1, FRAME)]


class NoiseLoop:
    """A line's noise without end."""

    def __init__(self, line: Line, seed: int) -> None:
        self.frames = line.noise(_LOOP_S * RATE_HZ, np.random.default_rng(seed)).reshape(-1, FRAME)
        self.encoded = encoded(self.frames.ravel())


@dataclass(frozen=True, slots=True)
class EchoPath:
    """How the bot's voice comes back."""

    delay_ms: int
    loss_db: float
    has_room: bool
    """Whether it comes from a loudspeaker in a room, or from a hybrid."""

    def __str__(self) -> str:
        return f"{self.delay_ms} ms, {self.loss_db:.0f} dB down{', a room' * self.has_room}"


class Echo:
    """Gives back what was heard, a frame at a time."""

    def __init__(self, path: EchoPath) -> None:
        taps = ((0, 0.0), *ROOM) if path.has_room else ((0, 0.0),)
        gain_db = -path.loss_db - 10 * np.log10(sum(10 ** (tap_db / 10) for _, tap_db in taps))
        self._taps = [((path.delay_ms + ms) * RATE_HZ // 1000, 10 ** ((tap_db + gain_db) / 20)) for ms, tap_db in taps]
        self._heard = np.zeros(_HISTORY)

    def exchange(self, heard: Frame) -> Signal:
        """Take the frame that is heard now, give the one that comes back now."""
        self._heard = np.concatenate((self._heard[FRAME:], heard))
        ends = [(_HISTORY - delay, gain) for delay, gain in self._taps]
        back: Signal = np.sum([gain * self._heard[end - FRAME : end] for end, gain in ends], axis=0)
        return back
