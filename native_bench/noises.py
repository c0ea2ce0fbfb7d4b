"""Sounds a telephone hears that are no speech: coughs and breaths, keys and doors, tones and music.

Coughs, typing, doors and the like are SYNTHETIC, made after published acoustics and varied widely, because no such
recordings come with the project: they show that a decision holds against a kind of sound, not how often it holds in
life. Music is recorded: the hold music of Debian's ``asterisk-moh-opsound-wav``, when it is installed.

Each function makes one event from a generator that the caller seeds, as float64 with a peak of 1 at ``rate_hz``;
``pcm`` puts it on the line at a level. Same seed, same samples.

Sources: coughs, Korpas et al., "Analysis of the cough sound: an overview", Pulm. Pharmacol. 9 (1996), and the ERS
guidelines on their assessment, Morice et al., Eur. Respir. J. 29 (2007): an explosive phase of 30-50 ms, an
intermediate one of some 200 ms, a voiced one of some 100 ms in a part of them; DTMF, ITU-T Q.23; tones of the
exchange, ITU-T E.180 and its list of national tones; information tones, ITU-T E.180 clause 6.
"""

from __future__ import annotations

import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
Rng = np.random.Generator

HOLD_MUSIC = Path("/usr/share/asterisk/moh")
"""Where Debian's package puts it."""
DIGITS = "123A456B789C*0#D"
ROWS_HZ, COLUMNS_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
EXCHANGE: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "dial us": ((350, 440), (4,)),
    "dial eu": ((425,), (4,)),
    "dial in": ((375, 400, 425), (4,)),
    "ringing us": ((440, 480), (2, 4)),
    "ringing uk": ((400, 450), (0.4, 0.2, 0.4, 2)),
    "ringing eu": ((425,), (1, 4)),
    "ringing in": ((375, 400, 425), (0.4, 0.2, 0.4, 2)),
    "busy us": ((480, 620), (0.5, 0.5)),
    "busy eu": ((425,), (0.5, 0.5)),
    "busy in": ((400,), (0.75, 0.75)),
    "congestion us": ((480, 620), (0.25, 0.25)),
    "call waiting": ((440,), (0.3, 3)),
    "recorded": ((1400,), (0.5, 2)),
    "fax calling": ((1100,), (0.5, 3)),
    "fax answering": ((2100,), (3, 0.5)),
    "beep": ((1000,), (0.4, 3)),
}
"""Tones by name: frequencies, and seconds on and off in turn."""


# -- what a body does ------------------------------------------------------------------------------------------------


def cough(rng: Rng, rate_hz: int) -> Signal:
    """One to four coughs of one throat (synthetic): a burst, turbulence, and in half of them a voice at the end."""
    tract, voice_hz = _tract(rng), rng.uniform(90, 320)
    fit = []
    for _ in range(rng.integers(1, 5)):
        burst = _noise(rng, rate_hz, rng.uniform(0.03, 0.05), tract, tilt=rng.uniform(-0.6, 0.1))
        flow = _noise(rng, rate_hz, rng.uniform(0.1, 0.28), tract, tilt=rng.uniform(-0.4, 0.5))
        parts = [_strike(burst, rng.uniform(0.15, 0.5)), rng.uniform(0.08, 0.35) * _swell(flow, rng.uniform(0.02, 0.3))]
        if rng.random() < 0.5:
            tail = _voice(rng, rate_hz, rng.uniform(0.05, 0.15), voice_hz * rng.uniform(0.8, 1.2), tract, jitter=0.06)
            parts.append(rng.uniform(0.05, 0.5) * _swell(tail, 0.3))
        fit += [rng.uniform(0.5, 1) * np.concatenate(parts), _silence(rate_hz, rng.uniform(0.05, 0.4))]
    return _peak(np.concatenate(fit))


def throat(rng: Rng, rate_hz: int) -> Signal:
    """One to three clearings of a throat (synthetic): a rough, creaking voice of 45-120 Hz, half of it noise."""
    tract, voice_hz = _tract(rng), rng.uniform(45, 120)
    parts = []
    for _ in range(rng.integers(1, 4)):
        seconds = rng.uniform(0.12, 0.4)
        creak = _voice(rng, rate_hz, seconds, voice_hz, tract, jitter=rng.uniform(0.1, 0.25))
        rough = rng.uniform(0.3, 1.2) * _noise(rng, rate_hz, seconds, tract, tilt=0.0)[: creak.size]
        parts += [_swell(creak + rough, rng.uniform(0.03, 0.3)), _silence(rate_hz, rng.uniform(0.03, 0.2))]
    return _peak(np.concatenate(parts))


def sneeze(rng: Rng, rate_hz: int) -> Signal:
    """A sneeze (synthetic): a breath in, then an outburst of friction that may end in a voice."""
    tract = _tract(rng)
    breath_in = rng.uniform(0.02, 0.15) * _swell(_noise(rng, rate_hz, rng.uniform(0.2, 0.6), tract, tilt=0.3), 0.8)
    outburst = _swell(_noise(rng, rate_hz, rng.uniform(0.12, 0.35), tract, tilt=rng.uniform(0.2, 1.2)), 0.03)
    parts = [breath_in, _silence(rate_hz, rng.uniform(0.02, 0.1)), outburst]
    if rng.random() < 0.4:
        voice = _voice(rng, rate_hz, rng.uniform(0.08, 0.25), rng.uniform(150, 400), tract, jitter=0.03)
        parts.append(rng.uniform(0.1, 0.5) * _swell(voice, 0.1))
    return _peak(np.concatenate(parts))


def breath(rng: Rng, rate_hz: int) -> Signal:
    """A breath beside the microphone (synthetic): friction that swells and fades within 0.3-1.2 s."""
    return _peak(_swell(_noise(rng, rate_hz, rng.uniform(0.3, 1.2), _tract(rng), rng.uniform(-0.3, 1)), 0.5))


def blow(rng: Rng, rate_hz: int) -> Signal:
    """A breath into the microphone (synthetic): rumble under 500 Hz that gusts and drives it to its limits."""
    seconds = rng.uniform(0.2, 1.0)
    rumble = _noise(rng, rate_hz, seconds, (), tilt=-rng.uniform(1, 1.6))
    gusts = 1 + 0.8 * _slow(rng, rumble.size, rate_hz, rng.uniform(4, 15))
    hiss = rng.uniform(0.02, 0.2) * _noise(rng, rate_hz, seconds, (), tilt=0.0)
    return _peak(np.tanh(rng.uniform(0.5, 4) * _swell((rumble + hiss) * gusts, 0.2)))


# -- what things do --------------------------------------------------------------------------------------------------


def keyboard(rng: Rng, rate_hz: int, seconds: float = 3.0) -> Signal:
    """Somebody types (synthetic): key after key goes down with a clack and a thump, and comes up more softly."""
    typed = _silence(rate_hz, seconds + 0.5)
    # One keyboard, so one set of plates that ring.
    rings_hz, thump_hz = rng.uniform(900, 3800, 4), rng.uniform(90, 300)
    at_s = rng.uniform(0, 0.2)
    while at_s < seconds:
        loud = rng.uniform(0.3, 1)
        _add(typed, at_s, rate_hz, loud * _hit(rng, rate_hz, (*rings_hz, thump_hz), rng.uniform(0.003, 0.012)))
        up_s = at_s + rng.uniform(0.05, 0.13)
        _add(typed, up_s, rate_hz, loud * rng.uniform(0.2, 0.6) * _hit(rng, rate_hz, rings_hz, 0.003))
        at_s += rng.uniform(0.07, 0.35)
    return _peak(typed)


def door(rng: Rng, rate_hz: int) -> Signal:
    """A door falls shut (synthetic): a latch, the panel's low modes, and the room that answers."""
    slam = _silence(rate_hz, 1.2)
    at_s = rng.uniform(0, 0.08)
    _add(slam, 0.0, rate_hz, rng.uniform(0, 0.4) * _hit(rng, rate_hz, rng.uniform(800, 3000, 3), 0.004))
    _add(slam, at_s, rate_hz, _hit(rng, rate_hz, rng.uniform(45, 420, 7), rng.uniform(0.03, 0.12)))
    room = _noise(rng, rate_hz, 1.0, (), tilt=-rng.uniform(0.3, 1))
    times = np.arange(room.size) / rate_hz
    _add(slam, at_s, rate_hz, rng.uniform(0.1, 0.5) * room * np.exp(-times / rng.uniform(0.03, 0.12)))
    return _peak(slam)


def knock(rng: Rng, rate_hz: int) -> Signal:
    """Two to five knocks on wood (synthetic)."""
    knocks = _silence(rate_hz, 2.0)
    modes_hz, gap_s = rng.uniform(120, 1100, 5), rng.uniform(0.12, 0.3)
    for turn in range(rng.integers(2, 6)):
        struck = _hit(rng, rate_hz, modes_hz, rng.uniform(0.008, 0.035))
        _add(knocks, turn * gap_s * rng.uniform(0.95, 1.05), rate_hz, rng.uniform(0.6, 1) * struck)
    return _peak(knocks)


def rustle(rng: Rng, rate_hz: int) -> Signal:
    """Paper, or a sleeve on the microphone (synthetic): hundreds of small crackles a second, in gusts."""
    samples = int(rng.uniform(0.4, 1.5) * rate_hz)
    crackles = rng.standard_normal(samples) * (rng.random(samples) < rng.uniform(200, 1500) / rate_hz)
    gusts = np.maximum(0.1, 1 + _slow(rng, samples, rate_hz, rng.uniform(3, 12)))
    return _peak(_shaped(crackles * gusts, rate_hz, _tract(rng), rng.uniform(0, 0.8)))


def click(rng: Rng, rate_hz: int) -> Signal:
    """One to four clicks of a switch, a headset or the line (synthetic)."""
    clicks = _silence(rate_hz, 0.8)
    for _ in range(rng.integers(1, 5)):
        _add(
            clicks,
            rng.uniform(0, 0.6),
            rate_hz,
            _hit(rng, rate_hz, rng.uniform(300, 3600, 3), rng.uniform(0.001, 0.01)),
        )
    return _peak(clicks)


EVENTS: dict[str, Callable[[Rng, int], Signal]] = {
    each.__name__: each for each in (cough, throat, sneeze, breath, blow, keyboard, door, knock, rustle, click)
}
"""Makers of synthetic sounds, by name."""


# -- what machines do ------------------------------------------------------------------------------------------------


def dtmf(digit: str, rate_hz: int, duration_ms: float = 100, twist_db: float = 0.0) -> Signal:
    """A key of ``DIGITS``; ``twist_db`` is how much louder its high tone is."""
    row, column = divmod(DIGITS.index(digit), len(COLUMNS_HZ))
    low, high = (_tone((hz,), rate_hz, duration_ms / 1000) for hz in (ROWS_HZ[row], COLUMNS_HZ[column]))
    return _peak(low + 10 ** (twist_db / 20) * high)


def exchange(name: str, rate_hz: int, seconds: float = 6.0) -> Signal:
    """A tone of ``EXCHANGE``, in its rhythm."""
    tones_hz, rhythm_s = EXCHANGE[name]
    parts: list[Signal] = []
    while sum(part.size for part in parts) < seconds * rate_hz:
        for place, part_s in enumerate(rhythm_s):
            parts.append(_silence(rate_hz, part_s) if place % 2 else _tone(tones_hz, rate_hz, part_s))
    return _peak(np.concatenate(parts)[: int(seconds * rate_hz)])


def information(rate_hz: int) -> Signal:
    """Three rising tones before an announcement."""
    return _peak(np.concatenate([_tone((hz,), rate_hz, 0.33) for hz in (950, 1400, 1800)]))


def hold_music(folder: Path = HOLD_MUSIC) -> dict[str, Signal]:
    """Recordings at 8 kHz by name, whole; empty when the package is not installed."""
    return {path.stem: _peak(_recorded(path)) for path in sorted(folder.glob("*.wav"))}


def pcm(signal: Signal, peak_dbfs: float) -> NDArray[np.int16]:
    """Put a sound on the line with this peak."""
    return np.round(signal * 32767 * 10 ** (peak_dbfs / 20)).astype(np.int16)


# -- the parts they are made of --------------------------------------------------------------------------------------


def _recorded(path: Path) -> Signal:
    with wave.open(str(path)) as recording:
        if recording.getparams()[:3] != (1, 2, 8000):
            raise ValueError(f"{path} is not 8 kHz mono of 16 bits")
        return np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float64)


def _peak(signal: Signal) -> Signal:
    scaled: Signal = signal / np.max(np.abs(signal))
    return scaled


def _silence(rate_hz: int, seconds: float) -> Signal:
    return np.zeros(int(seconds * rate_hz))


def _tract(rng: Rng) -> tuple[float, ...]:
    """Resonances of a throat and mouth, wide open to nearly shut."""
    return float(rng.uniform(400, 1100)), float(rng.uniform(1100, 2000)), float(rng.uniform(2200, 3300))


def _shaped(signal: Signal, rate_hz: int, resonances_hz: Sequence[float], tilt: float) -> Signal:
    """Filter by resonances and a tilt: the power of the frequency that the amplitude follows; unit power."""
    hz = np.fft.rfftfreq(signal.size, 1 / rate_hz)
    gains = (np.maximum(hz, 80) / 1000) ** tilt * (hz > 30)
    if resonances_hz:
        gains *= sum(1 / (1 + ((hz - at_hz) / (60 + 0.08 * at_hz)) ** 2) for at_hz in resonances_hz) + 0.05
    shaped: Signal = np.fft.irfft(np.fft.rfft(signal) * gains, signal.size)
    shaped /= np.sqrt(np.mean(shaped**2))
    return shaped


def _noise(rng: Rng, rate_hz: int, seconds: float, resonances_hz: Sequence[float], tilt: float) -> Signal:
    return _shaped(rng.standard_normal(int(seconds * rate_hz)), rate_hz, resonances_hz, tilt)


def _voice(
    rng: Rng, rate_hz: int, seconds: float, voice_hz: float, resonances_hz: Sequence[float], jitter: float
) -> Signal:
    """Pulses of a glottis, each ``jitter`` (standard deviation) off its time, through a throat."""
    pulses, at_s = _silence(rate_hz, seconds), 0.0
    while at_s < seconds:
        pulses[min(int(at_s * rate_hz), pulses.size - 1)] += rng.uniform(0.6, 1)
        at_s += max(0.2, rng.normal(1, jitter)) / voice_hz
    return _shaped(pulses, rate_hz, resonances_hz, tilt=-0.5)


def _slow(rng: Rng, samples: int, rate_hz: int, below_hz: float) -> Signal:
    """Unrest of unit power below a frequency."""
    spectrum = np.fft.rfft(rng.standard_normal(samples)) * (np.fft.rfftfreq(samples, 1 / rate_hz) < below_hz)
    unrest: Signal = np.fft.irfft(spectrum, samples)
    unrest /= np.sqrt(np.mean(unrest**2))
    return unrest


def _strike(signal: Signal, decay: float) -> Signal:
    """Begin at once and die away; ``decay`` is a part of the length."""
    return signal * np.exp(-np.arange(signal.size) / (decay * signal.size))


def _swell(signal: Signal, rise: float) -> Signal:
    """Rise over a part of the length, and fall over the rest."""
    places = np.arange(signal.size) / signal.size
    return signal * np.sin(np.pi / 2 * np.minimum(places / rise, (1 - places) / (1 - rise)))


def _hit(rng: Rng, rate_hz: int, modes_hz: Sequence[float] | Signal, decay_s: float) -> Signal:
    """A blow of a millisecond's noise, and modes that ring for some ``decay_s``."""
    times = np.arange(int(8 * decay_s * rate_hz) + 1) / rate_hz
    struck = rng.standard_normal(times.size) * np.exp(-times / rng.uniform(0.0005, 0.002))
    for mode_hz in modes_hz:
        ringing = np.sin(2 * np.pi * mode_hz * times + rng.uniform(0, 6.28))
        struck += rng.uniform(0.1, 1) * ringing * np.exp(-times / (decay_s * rng.uniform(0.5, 1.5)))
    return struck


def _add(signal: Signal, at_s: float, rate_hz: int, part: Signal) -> None:
    start = int(at_s * rate_hz)
    signal[start : start + part.size] += part[: max(signal.size - start, 0)]


def _tone(tones_hz: Sequence[float], rate_hz: int, seconds: float) -> Signal:
    times = np.arange(int(seconds * rate_hz)) / rate_hz
    summed: Signal = np.sum([np.sin(2 * np.pi * hz * times) for hz in tones_hz], axis=0)
    return summed
