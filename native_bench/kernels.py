"""What each kernel costs a call, per 20 ms frame: ``python -m native_bench kernels``.

Times include everything a caller pays: the Python around the kernel, the arrays it makes, the way into machine code.
Kernels are warmed first; the repeats of all kernels take turns, so that a slow moment of the machine hits all alike.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count, cycle
from time import perf_counter_ns

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio import codec, level, pitch, spectrum
from mediasrv.audio.conceal import Concealer
from mediasrv.audio.format import PTIME_MS, Encoding, samples_in
from mediasrv.audio.framer import Framer
from mediasrv.audio.jitterbuffer import JitterBuffer
from mediasrv.audio.resample import Resampler
from mediasrv.audio.warmup import warm
from mediasrv.turn.echo import EchoDetector
from mediasrv.turn.timbre import Timbre
from native_bench.machine import described

REPEATS = 15
FRAMES = 500
"""Frames in one repeat."""
RESAMPLED = (
    (8000, 16_000),
    (16_000, 8000),
    (22_050, 8000),
    (24_000, 8000),
    (44_100, 8000),
    (48_000, 8000),
    (8000, 24_000),
    (24_000, 16_000),
)
"""Pairs a call is likely to need: recognisers' rates, and voices' to carriers'."""


def noise(rate_hz: int) -> NDArray[np.int16]:
    """One frame."""
    return np.random.default_rng(1).integers(-8000, 8000, samples_in(PTIME_MS, rate_hz)).astype(np.int16)


def cases() -> dict[str, Callable[[], object]]:
    """What is measured, by name; each call does the work of one frame."""
    pcm = noise(8000)
    made: dict[str, Callable[[], object]] = {}
    for encoding in Encoding:
        made[f"decode {encoding.name}"] = partial(codec.decode, encoding, codec.encode(encoding, pcm))
        made[f"encode {encoding.name}"] = partial(codec.encode, encoding, pcm)
    made["level_db"] = partial(level.level_db, pcm)
    made["gain"] = partial(level.gain, pcm, -6.0)
    made["fade"] = partial(level.fade, pcm, 1.0, 0.0)
    made["mix"] = partial(level.mix, pcm, pcm)
    for from_hz, to_hz in RESAMPLED:
        made[f"resample {from_hz} to {to_hz}"] = partial(Resampler(from_hz, to_hz).push, noise(from_hz))
    made["framer, frames as they are"] = partial(Framer(pcm.size).push, pcm)
    made["jitter buffer, in order"] = in_order(JitterBuffer(8000, pcm.size, max_delay_ms=0), pcm)
    made["jitter buffer, every other lost"] = in_order(JitterBuffer(8000, pcm.size, max_delay_ms=0), pcm, step=2)
    made["pitch of a frame"] = partial(pitch.pitch, np.concatenate([pcm, pcm]), 8000)
    made["pitch track of 600 ms"] = partial(pitch.track, np.tile(pcm, 30), 8000)
    made |= echo_cases()
    made["spectrum now and 40 ms ago"] = partial(spectrum.compare, np.tile(pcm, 4), 8000)
    made["timbre of a voiced frame"] = partial(Timbre(8000).hear, pcm, True)
    made["timbre of any other frame"] = partial(Timbre(8000).hear, pcm, False)
    made["conceal, a new gap each time"] = gaps(Concealer(8000), pcm)
    return made


def echo_cases() -> dict[str, Callable[[], object]]:
    """Our voice while the caller says something else, while he is silent, and while it comes back."""
    stream = np.tile(noise(8000), 100)
    own = np.random.default_rng(2).integers(-8000, 8000, stream.size).astype(np.int16)
    made: dict[str, Callable[[], object]] = {}
    for name, heard, voiced in (
        ("searched for", stream, True),
        ("without voice", stream, False),
        ("followed", np.roll(own, 1600) // 8, True),
    ):
        detector, played = EchoDetector(8000), EchoDetector(8000)
        detector.play(own[:16_000], 0.0)
        places = range(3200, 16_000, 160)
        frames = cycle([(heard[place - 160 : place].astype(np.int16), place / 8000) for place in places])
        made[f"echo {name}"] = partial(hear_next, detector, frames, voiced)
        made["echo, what is played"] = partial(played.play, own[:160], 0.0)
    return made


def hear_next(detector: EchoDetector, frames: Iterator[tuple[NDArray[np.int16], float]], voiced: bool) -> object:
    frame, now = next(frames)
    return detector.hear(frame, voiced, now)


def in_order(buffer: JitterBuffer, pcm: NDArray[np.int16], step: int = 1) -> Callable[[], object]:
    chunks = count(1, step)

    def push() -> object:
        chunk = next(chunks)
        return buffer.push(chunk, pcm, chunk * PTIME_MS / 1000)

    return push


def gaps(concealer: Concealer, pcm: NDArray[np.int16]) -> Callable[[], object]:
    def lose_and_hear() -> object:
        concealer.conceal(pcm.size)
        return concealer.heard(pcm)

    return lose_and_hear


def nanoseconds(work: Callable[[], object]) -> float:
    """Return what one frame cost in one repeat."""
    started = perf_counter_ns()
    for _ in range(FRAMES):
        work()
    return (perf_counter_ns() - started) / FRAMES


def main() -> None:
    """Print a Markdown table, with the machine and the commit it holds for."""
    started = perf_counter_ns()
    warm()
    warmed_s = (perf_counter_ns() - started) / 1e9
    made = cases()
    gc.disable()
    measured: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(REPEATS):
        for name, work in made.items():
            measured[name].append(nanoseconds(work))
    print(described())
    print(f"kernels warm after {warmed_s:.2f} s; nanoseconds per {PTIME_MS} ms frame, {REPEATS} repeats\n")
    print("| kernel | median | least | most |\n|---|---:|---:|---:|")
    for name, costs in measured.items():
        print(f"| {name} | {statistics.median(costs):,.0f} | {min(costs):,.0f} | {max(costs):,.0f} |")
