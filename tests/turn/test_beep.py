from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.audio.resample import Resampler
from mediasrv.simulator.speech import recorded
from mediasrv.turn.beep import Beep
from native_bench import noises


def beeps(signal: NDArray[np.float64], rate_hz: int = 8000, peak_dbfs: float = -12.0) -> list[int]:
    """The milliseconds at which a beep was over; half a second of a quiet line surrounds the sound."""
    rng, quiet = np.random.default_rng(3), np.zeros(rate_hz // 2)
    line = np.concatenate([quiet, signal * 10 ** (peak_dbfs / 20), quiet]) + 10 ** (-60 / 20) * rng.standard_normal(
        signal.size + rate_hz
    )
    pcm = g711.decode_ulaw(g711.encode_ulaw(np.clip(np.round(line * 32767), -32768, 32767).astype(np.int16)))
    size, beep, found = rate_hz // 50, Beep(rate_hz), []
    for at in range(0, pcm.size - size + 1, size):
        if beep.hear(pcm[at : at + size]):
            found.append(1000 * (at + size) // rate_hz - 500)
            break
    return found


def tone(tone_hz: float, duration_ms: int, rate_hz: int = 8000) -> NDArray[np.float64]:
    return np.sin(2 * np.pi * tone_hz * np.arange(duration_ms * rate_hz // 1000) / rate_hz)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("tone_hz", [360, 425, 440, 800, 1000, 1400, 1980])
@pytest.mark.parametrize("duration_ms", [150, 190, 400, 1000])
def test_a_beep_is_told_when_it_is_over(tone_hz: float, duration_ms: int, rate_hz: int) -> None:
    (at_ms,) = beeps(tone(tone_hz, duration_ms, rate_hz), rate_hz)
    assert duration_ms < at_ms <= duration_ms + 100


@pytest.mark.parametrize("peak_dbfs", [-30.0, -20.0, -3.0])
def test_its_level_does_not_matter(peak_dbfs: float) -> None:
    assert beeps(tone(1000, 300), peak_dbfs=peak_dbfs)


def test_it_is_a_beep_behind_speech_as_well() -> None:
    assert beeps(np.concatenate([speech("ps_goforward"), tone(1000, 300)]))


@pytest.mark.parametrize(("tone_hz", "duration_ms"), [(1000, 90), (300, 500), (2300, 500)])
def test_what_is_too_short_too_low_or_too_high_is_none(tone_hz: float, duration_ms: int) -> None:
    assert beeps(tone(tone_hz, duration_ms)) == []


def test_a_tone_that_is_followed_by_another_sound_is_none() -> None:
    rng = np.random.default_rng(5)
    assert beeps(np.concatenate([tone(1000, 300), 0.3 * rng.standard_normal(8000)])) == []
    glide = np.sin(2 * np.pi * np.cumsum(np.linspace(400, 1900, 8000)) / 8000)
    assert beeps(glide) == []


@pytest.mark.parametrize("digit", noises.DIGITS)
def test_keys_are_none(digit: str) -> None:
    assert beeps(noises.dtmf(digit, 8000, 300)) == []


@pytest.mark.parametrize("clip", list(recorded()))
def test_speech_holds_none(clip: str) -> None:
    assert beeps(speech(clip)) == []


def speech(name: str) -> NDArray[np.float64]:
    clip = recorded()[name]
    pcm = Resampler(clip.rate_hz, 8000).push(clip.pcm) if clip.rate_hz != 8000 else clip.pcm
    return np.asarray(pcm / np.abs(pcm).max(), np.float64)


def test_silence_is_none() -> None:
    beep = Beep(8000)
    assert not any(beep.hear(np.zeros(160, np.int16)) for _ in range(20))
