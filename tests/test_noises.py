"""The sounds that benchmarks let the server hear are what their names say."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from native_bench import noises

RATES_HZ = (8000, 16000)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("name", noises.EVENTS)
def test_every_sound_follows_its_seed_and_has_a_peak_of_one(name: str, rate_hz: int) -> None:
    made = [noises.EVENTS[name](np.random.default_rng(seed), rate_hz) for seed in (1, 1, 2)]
    assert np.array_equal(made[0], made[1])
    assert made[0].size != made[2].size or not np.array_equal(made[0], made[2])
    assert all(np.max(np.abs(sound)) == pytest.approx(1) for sound in made)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize(("digit", "tones_hz"), [("1", (697, 1209)), ("6", (770, 1477)), ("D", (941, 1633))])
def test_a_digit_has_its_two_tones_and_no_other(digit: str, tones_hz: tuple[int, int], rate_hz: int) -> None:
    spectrum = np.abs(np.fft.rfft(noises.dtmf(digit, rate_hz, 1000))) ** 2
    assert sum(spectrum[hz] for hz in tones_hz) / spectrum.sum() > 0.99


@pytest.mark.parametrize("name", noises.EXCHANGE)
def test_a_tone_of_the_exchange_keeps_its_rhythm(name: str) -> None:
    rhythm_s = noises.EXCHANGE[name][1]
    frames = noises.exchange(name, 8000, 6.0).reshape(-1, 160)
    sounds = np.any(frames != 0, axis=1)
    assert sounds[: round(rhythm_s[0] * 50)].all()
    assert sounds.all() == (len(rhythm_s) == 1)


def test_a_peak_on_the_line_is_the_one_asked_for() -> None:
    loudest = np.abs(noises.pcm(noises.information(8000), -20.0)).max()
    assert 20 * np.log10(loudest / 32768) == pytest.approx(-20, abs=0.05)


def test_hold_music_is_what_lies_in_the_folder(tmp_path: Path) -> None:
    assert noises.hold_music(tmp_path) == {}
    with wave.open(str(tmp_path / "tune.wav"), "wb") as recording:
        recording.setparams((1, 2, 8000, 0, "NONE", ""))
        recording.writeframes(np.array([0, 50, -100], "<i2").tobytes())
    assert {name: list(music) for name, music in noises.hold_music(tmp_path).items()} == {"tune": [0, 0.5, -1]}
    with wave.open(str(tmp_path / "wide.wav"), "wb") as recording:
        recording.setparams((1, 2, 16000, 0, "NONE", ""))
    with pytest.raises(ValueError, match="8 kHz"):
        noises.hold_music(tmp_path)
