"""Echo for the bench: what a caller's line sends back of the bot's own voice.

``echoed`` makes the echo alone, so that whoever mixes it in decides on what else is on the line::

    line = np.zeros(seconds * rate_hz, np.int16)
    heard = echoed(bot, rate_hz, delay_ms=240, loss_db=18)          # starts where ``bot`` starts
    line[start : start + heard.size] = mix(line[start : start + heard.size], heard)

G.711 is not part of it: it works on the sum of echo, caller and noise, so encode that.

The plain echo is a delay and a loss, as a hybrid makes it. ``LOSSY`` is one that has been through the world: the
telephone band, a small loudspeaker that clips, the room that it stands in, packets that were lost and concealed on the
way back, noise that was added for comfort, and jitter buffers on the way that make the delay wander.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mediasrv.audio.conceal import Concealer
from mediasrv.audio.format import PTIME_MS, samples_in

Signal = NDArray[np.float64]

BAND_HZ = (300, 3400)
# Reflections: how late and how far below what comes straight. A desk, then two walls.
ROOM = ((3, -9.0), (11, -12.0), (23, -17.0))
DRIFT_PERIOD_S = 40.0


@dataclass(frozen=True, slots=True)
class EchoPath:
    """What happens to a voice on its way to the caller's loudspeaker, to his microphone and back."""

    band_limited: bool = False
    """Keep 300 to 3400 Hz alone."""
    clip_db: float | None = None
    """Clip softly so far above the voice's root mean square, dB; a mild case is 9."""
    room: bool = False
    """Add three reflections within 23 ms."""
    lost: float = 0.0
    """Part of the packets of 20 ms that is lost on the way back and concealed, 0 to 1."""
    noise_db: float | None = None
    """Add white noise so far below the echo, dB; it lasts from the first sample to the last."""
    drift_ms: float = 0.0
    """The delay wanders by up to this much to either side, there and back in 40 s."""


PLAIN = EchoPath()
LOSSY = EchoPath(band_limited=True, clip_db=9.0, room=True, lost=0.015, noise_db=30.0, drift_ms=20.0)


def echoed(
    pcm: NDArray[np.int16],
    rate_hz: int,
    delay_ms: float,
    loss_db: float,
    path: EchoPath = PLAIN,
    seed: int = 1,
) -> NDArray[np.int16]:
    """Return the echo of what was played, from the moment on at which the first sample was played.

    ``delay_ms`` is the echo's delay, need not be a whole number of samples, and comes as silence at the beginning; the
    result is longer than ``pcm`` by the delay and the path's own tail. ``loss_db`` is how far the echo is below ``pcm``
    (positive; the whole path is scaled to it, whatever its parts do). ``pcm`` is int16, mono, of any length; so is the
    result. The same arguments make the same echo.
    """
    rng = np.random.default_rng(seed)
    wet = pcm.astype(np.float64)
    power = np.sqrt(np.mean(wet**2)) if wet.size else 0.0
    if path.clip_db is not None and power:
        ceiling = power * 10 ** (path.clip_db / 20)
        wet = ceiling * np.tanh(wet / ceiling)
    if path.room:
        wet = reflected(wet, rate_hz)
    if path.band_limited:
        wet = telephone_band(wet, rate_hz)
    wet = delayed(wet, rate_hz, delay_ms, path.drift_ms)
    wet *= power * 10 ** (-loss_db / 20) / (np.sqrt(np.sum(wet**2) / max(pcm.size, 1)) or 1.0)
    if path.noise_db is not None:
        wet += rng.standard_normal(wet.size) * power * 10 ** (-(loss_db + path.noise_db) / 20)
    late = np.clip(np.rint(wet), -32768, 32767).astype(np.int16)
    return with_losses(late, rate_hz, path.lost, rng) if path.lost else late


def reflected(signal: Signal, rate_hz: int) -> Signal:
    """Add the room; the result is longer by its last reflection."""
    out = np.zeros(signal.size + samples_in(ROOM[-1][0], rate_hz))
    out[: signal.size] = signal
    for delay_ms, gain_db in ROOM:
        start = samples_in(delay_ms, rate_hz)
        out[start : start + signal.size] += signal * 10 ** (gain_db / 20)
    return out


def telephone_band(signal: Signal, rate_hz: int) -> Signal:
    """Keep the telephone's band, by a filter that is 16 ms long and shifts nothing in time."""
    places = np.arange(-rate_hz // 125, rate_hz // 125 + 1) / rate_hz
    low, high = (2 * edge_hz / rate_hz * np.sinc(2 * edge_hz * places) for edge_hz in BAND_HZ)
    taps = (high - low) * np.blackman(places.size)
    return np.convolve(signal, taps)[taps.size // 2 :][: signal.size] if signal.size else signal


def delayed(signal: Signal, rate_hz: int, delay_ms: float, drift_ms: float) -> Signal:
    """Delay by a delay that wanders; between samples the signal is a straight line."""
    longest = int(np.ceil((delay_ms + drift_ms) * rate_hz / 1000)) + 1
    places = np.arange(signal.size + longest)
    drift = drift_ms * np.sin(2 * np.pi * places / (rate_hz * DRIFT_PERIOD_S))
    sources = places - (delay_ms + drift) * rate_hz / 1000
    return np.interp(sources, np.arange(signal.size), signal, left=0.0, right=0.0) if signal.size else np.zeros(longest)


def with_losses(pcm: NDArray[np.int16], rate_hz: int, lost: float, rng: np.random.Generator) -> NDArray[np.int16]:
    """Lose packets of 20 ms at random, and conceal them as a receiver does."""
    frame = samples_in(PTIME_MS, rate_hz)
    concealer = Concealer(rate_hz)
    pieces = (pcm[start : start + frame] for start in range(0, pcm.size, frame))
    return np.concatenate(
        [concealer.conceal(each.size) if rng.random() < lost else concealer.heard(each) for each in pieces]
    )
