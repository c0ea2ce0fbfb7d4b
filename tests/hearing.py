"""How well a voice detector hears: recorded human speech in noise, and what it makes of it.

A scene is one clip in the telephone band, scaled to an active level, with a second of its own room before and after
it, in noise of a set power below that level, as G.711 mu-law leaves it. What is voice is known from the clean clip:

- *voice*: frames less than 25 dB under the active level;
- *silence*: frames more than 32 dB under it, in pauses of 200 ms or more and around the clip, but for 40 ms before
  and 100 ms after a spurt of talk. All else (faint sounds, stops within words) counts neither way;
- the *onset delay* runs from the start of a spurt's first frame to the end of the first frame in it called voice, the
  *offset delay* from the end of its last frame to the end of the first one called silence: 20 ms is perfect.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.turn.vad import VoiceDetector
from tests import noise
from tests.noise import Signal

Detector = Callable[[NDArray[np.int16]], bool]
"""Takes the frames of one scene in turn."""

NOISES = ("white", "pink", "babble")
FRAME = 160
FULL_SCALE = 32768.0
VOICE_DB, SILENCE_DB = -25.0, -32.0
PAUSE_FRAMES, BEFORE_FRAMES, AFTER_FRAMES, PAD_FRAMES = 10, 2, 5, 50
TAKES = 3
# A spurt of less is a click of the tongue or a breath.
SPURT_FRAMES = 4


@dataclass(frozen=True)
class Scene:
    """Frames at 8 kHz and the truth about them."""

    frames: list[NDArray[np.int16]]
    voice: NDArray[np.bool_]
    silence: NDArray[np.bool_]
    spurts: list[tuple[int, int]]
    """First frame of each stretch of talk, and the first after it."""


@dataclass(frozen=True)
class Rates:
    """How a detector did over some scenes."""

    found: float
    """Part of the voice that was called so."""
    false: float
    """Part of the silence that was called voice."""
    onset_ms: tuple[float, float]
    """Delay, median and 90th percentile; a spurt that was missed counts as a second."""
    offset_ms: tuple[float, float]


@cache
def clips() -> tuple[Signal, ...]:
    """The human speech that comes with the project, through a telephone's band-pass, at 8 kHz."""
    folder = resources.files("mediasrv") / "speech"
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".wav"))
    return tuple(_telephone(_read(folder / name)) for name in names)


@cache
def scenes(kind: str, snr_db: float, level_dbfs: float = -26.0) -> tuple[Scene, ...]:
    """Each clip in this noise, three times."""
    takes = range(TAKES * len(clips()))
    return tuple(_scene(take % len(clips()), kind, snr_db, level_dbfs, seed=take) for take in takes)


def rate(make: Callable[[], Detector], heard: Sequence[Scene]) -> Rates:
    """Let a new detector hear each scene."""
    found: list[NDArray[np.bool_]] = []
    false: list[NDArray[np.bool_]] = []
    onsets: list[int] = []
    offsets: list[int] = []
    for scene in heard:
        detect = make()
        verdicts = np.array([detect(frame) for frame in scene.frames])
        found.append(verdicts[scene.voice])
        false.append(verdicts[scene.silence])
        for first, after in scene.spurts:
            onsets.append(20 * _place(verdicts[first:after], True, missing=49) + 20)
            offsets.append(20 * _place(verdicts[after:], False, missing=len(verdicts) - after) + 20)
    return Rates(
        float(np.concatenate(found).mean()),
        float(np.concatenate(false).mean()),
        (float(np.median(onsets)), float(np.percentile(onsets, 90))),
        (float(np.median(offsets)), float(np.percentile(offsets, 90))),
    )


def ours() -> Detector:
    """The detector of the project."""
    return VoiceDetector(8000).hear


def _place(verdicts: NDArray[np.bool_], verdict: bool, missing: int) -> int:
    places = np.flatnonzero(verdicts == verdict)
    return int(places[0]) if places.size else missing


def _read(file: resources.abc.Traversable) -> Signal:
    with file.open("rb") as raw, wave.open(raw) as recording:
        assert (recording.getframerate(), recording.getnchannels(), recording.getsampwidth()) == (16000, 1, 2)
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float64)


def _telephone(wideband: Signal) -> Signal:
    """Keep 200 to 3400 Hz of 16 kHz; return it at 8 kHz."""
    places = np.arange(-63, 64) / 16000
    low_pass = [2 * edge_hz / 16000 * np.sinc(2 * edge_hz * places) for edge_hz in (200, 3400)]
    return np.convolve(wideband, (low_pass[1] - low_pass[0]) * np.blackman(places.size), "same")[::2]


def _scene(index: int, kind: str, snr_db: float, level_dbfs: float, seed: int) -> Scene:
    rng = np.random.default_rng([seed, NOISES.index(kind), round(snr_db)])
    clip = clips()[index]
    clip = clip[: clip.size // FRAME * FRAME] * 10 ** ((level_dbfs - _active_dbfs(clip)) / 20)
    pads = noise.room_tone(2 * PAD_FRAMES * FRAME, clip, PAUSE_FRAMES * FRAME, rng)
    speech = np.concatenate([pads[: PAD_FRAMES * FRAME], clip, pads[PAD_FRAMES * FRAME :]])
    if kind == "babble":
        others = [other for place, other in enumerate(clips()) if place != index]
        added = noise.babble(speech.size, others, rng)
    else:
        added = {"white": noise.white, "pink": noise.pink}[kind](speech.size, rng)
    heard = speech + added * FULL_SCALE * 10 ** ((level_dbfs - snr_db) / 20)
    pcm = np.clip(np.round(heard), -32768, 32767).astype(np.int16)
    line = g711.decode_ulaw(g711.encode_ulaw(pcm))
    quiet = np.full(PAD_FRAMES, -np.inf)
    levels_db = np.concatenate([quiet, _levels_dbfs(clip) - level_dbfs, quiet])
    return Scene(list(line.reshape(-1, FRAME)), *_truth(levels_db))


def _truth(levels_db: Signal) -> tuple[NDArray[np.bool_], NDArray[np.bool_], list[tuple[int, int]]]:
    """Tell voice from silence, and both from neither, by levels over the active one."""
    voice = levels_db > VOICE_DB
    spurts: list[tuple[int, int]] = []
    for frame in np.flatnonzero(voice):
        if spurts and frame - spurts[-1][1] < PAUSE_FRAMES:
            spurts[-1] = (spurts[-1][0], int(frame) + 1)
        else:
            spurts.append((int(frame), int(frame) + 1))
    spurts = [(first, after) for first, after in spurts if voice[first:after].sum() >= SPURT_FRAMES]
    silence = levels_db < SILENCE_DB
    talk = np.zeros_like(voice)
    for first, after in spurts:
        talk[first:after] = True
        silence[max(first - BEFORE_FRAMES, 0) : after + AFTER_FRAMES] = False
    return voice & talk, silence, spurts


def _active_dbfs(signal: Signal) -> float:
    """The level while there is speech: that of all frames less than 15.9 dB under it, as in ITU-T P.56."""
    levels_db = _levels_dbfs(signal)
    active_db = float(levels_db.max()) - 10
    for _ in range(20):
        active_db = 10 * np.log10(np.mean(10 ** (levels_db[levels_db > active_db - 15.9] / 10)))
    return active_db


def _levels_dbfs(signal: Signal) -> Signal:
    frames = signal[: signal.size // FRAME * FRAME].reshape(-1, FRAME)
    levels: Signal = 10 * np.log10(np.mean(frames**2, axis=1) / FULL_SCALE**2 + 1e-12)
    return levels
