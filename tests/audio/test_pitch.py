from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio import g711
from mediasrv.audio.level import level_db
from mediasrv.audio.pitch import (
    HOP_MS,
    JUMP_COST,
    NEEDED_MS,
    OCTAVE_COST,
    RATES_HZ,
    VOICED_STRENGTH,
    PitchTrack,
    pitch,
    track,
)
from mediasrv.audio.pitch import level_db as level_db_alone
from tests import naive, noise

PERIODS = range(20, 134)
"""Samples at 8 kHz."""
SPEECH = Path(__file__).parents[2] / "mediasrv" / "speech"


def voice(f0_hz: float | NDArray[np.float64], rate_hz: int = 8000, seconds: float = 0.5) -> NDArray[np.int16]:
    """A voice on the telephone: harmonics from 300 to 3400 Hz alone, falling by 6 dB an octave."""
    f0 = np.broadcast_to(f0_hz, int(rate_hz * seconds))
    phase = 2 * np.pi * np.cumsum(f0) / rate_hz
    wave = sum(
        np.where((f0 * n > 300) & (f0 * n < 3400), np.sin(phase * n + n * n) / n, 0.0)
        for n in range(1, int(3400 / f0.min()) + 1)
    )
    scaled = 6000 * wave / np.sqrt(np.mean(np.square(wave)))
    return np.asarray(np.round(scaled).clip(-32768, 32767), np.int16)


def hiss(samples: int, level: float = 1000, seed: int = 1) -> NDArray[np.int16]:
    return np.round(level * noise.white(samples, np.random.default_rng(seed))).astype(np.int16)


def octaves_off(found: PitchTrack, f0_hz: float) -> float:
    return float(np.abs(np.log2(found.f0_hz / f0_hz)).max())


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("f0_hz", [65, 80, 110, 147, 200, 220, 262, 330, 390])
def test_a_voice_whose_fundamental_is_missing_is_found_at_it(f0_hz: float, rate_hz: int) -> None:
    found = track(voice(f0_hz, rate_hz), rate_hz)
    assert octaves_off(found, f0_hz) < 0.01
    assert found.strength.min() > 0.9
    assert pitch(voice(f0_hz, rate_hz), rate_hz).f0_hz == pytest.approx(f0_hz, rel=0.01)


@pytest.mark.parametrize("octaves", [-1.0, -0.5, 0.0, 0.5, 1.0])
def test_a_glide_is_followed_without_a_jump(octaves: float) -> None:
    glide_hz = 160 * 2 ** (octaves * np.linspace(-0.5, 0.5, 4000))
    found = track(voice(glide_hz), 8000)
    # What is compared lies on average 10 ms and half a period before the hop's end.
    ends = 4000 - 80 * np.arange(found.f0_hz.size)[::-1]
    expected_hz = glide_hz[ends - 80 - (4000 / found.f0_hz).astype(int)]
    assert np.abs(np.log2(found.f0_hz / expected_hz)).max() < 0.03


def test_what_is_before_and_after_decides_where_an_octave_is_in_doubt() -> None:
    """In the middle, harmonics of twice the fundamental are left, and so little of the others."""
    whole = voice(120, seconds=0.6).astype(float)
    doubtful = voice(240, seconds=0.6) + 0.1 * whole
    middle = np.abs(np.arange(whole.size) - 2400) < 300
    found = track(np.where(middle, doubtful, whole).astype(np.int16), 8000)
    assert octaves_off(found, 120) < 0.1
    assert pitch(doubtful.astype(np.int16), 8000).f0_hz == pytest.approx(240, rel=0.02)


@pytest.mark.parametrize("snr_db", [20, 10])
def test_a_voice_in_noise_keeps_its_pitch(snr_db: int) -> None:
    heard = (voice(150) * 0.5).astype(np.int16)
    heard += hiss(heard.size, level=3000 * 10 ** (-snr_db / 20))
    found = track(heard, 8000)
    assert octaves_off(found, 150) < 0.05
    assert found.strength.min() > VOICED_STRENGTH


@pytest.mark.parametrize(("make", "most"), [(noise.white, 0.01), (noise.pink, 0.03)])
def test_noise_has_no_pitch(make: Callable[[int, np.random.Generator], noise.Signal], most: float) -> None:
    frames = np.round(1000 * make(320 * 300, np.random.default_rng(5))).astype(np.int16).reshape(-1, 320)
    assert np.mean([pitch(frame, 8000).f0_hz > 0 for frame in frames]) < most


@pytest.mark.parametrize("silence", [np.zeros(800, np.int16), np.full(800, 900, np.int16), np.full(800, -8, np.int16)])
def test_silence_has_neither_pitch_nor_level(silence: NDArray[np.int16]) -> None:
    found = track(silence, 8000)
    assert not found.f0_hz.any()
    assert not found.strength.any()
    assert set(found.level_db) == {-96.0}


def test_what_a_codec_leaves_in_silence_has_no_pitch() -> None:
    square = np.where(np.arange(800) // 40 % 2, 1, -1).astype(np.int16)
    assert track(square, 8000).strength.max() < VOICED_STRENGTH


def test_the_level_is_that_of_the_last_twenty_milliseconds_without_offset() -> None:
    quiet_then_loud = np.concatenate([hiss(640, 100), hiss(160, 4000)])
    assert pitch(quiet_then_loud, 8000).level_db == pytest.approx(level_db(quiet_then_loud[-160:]), abs=0.5)
    offset = (voice(200) // 4 + 9000).astype(np.int16)
    assert pitch(offset, 8000).level_db == pytest.approx(pitch(voice(200), 8000).level_db - 12.04, abs=0.1)


def test_one_measurement_is_the_end_of_the_samples() -> None:
    heard = np.concatenate([voice(120), voice(210)])
    assert pitch(heard, 8000) == pitch(heard[-320:], 8000)
    assert pitch(heard, 8000).f0_hz == pytest.approx(210, rel=0.01)


@pytest.mark.parametrize(("samples", "hops"), [(0, 0), (295, 0), (296, 1), (375, 1), (376, 2), (4800, 57)])
def test_a_track_has_a_measurement_for_every_hop(samples: int, hops: int) -> None:
    assert [column.size for column in track(hiss(samples), 8000)] == [hops] * 3
    assert track(hiss(2 * samples), 16000).f0_hz.size == hops
    assert samples < 296 or hops == (samples - 8 * NEEDED_MS) // (8 * HOP_MS) + 1


def test_both_rates_agree() -> None:
    narrow, wide = track(voice(140), 8000), track(voice(140, 16000), 16000)
    assert wide.f0_hz == pytest.approx(narrow.f0_hz, rel=0.005)
    assert wide.level_db == pytest.approx(narrow.level_db, abs=1)


@pytest.mark.parametrize("rate_hz", [0, 11025, 24000])
def test_other_rates_are_refused(rate_hz: int) -> None:
    with pytest.raises(ValueError, match="not at"):
        track(hiss(4000), rate_hz)
    with pytest.raises(ValueError, match="not at"):
        pitch(hiss(4000), rate_hz)


def test_less_than_one_measurement_needs_is_refused() -> None:
    with pytest.raises(ValueError, match="37 ms"):
        pitch(hiss(295), 8000)
    with pytest.raises(ValueError, match="37 ms"):
        pitch(hiss(591), 16000)


def test_read_only_samples_are_taken() -> None:
    assert pitch(np.frombuffer(voice(150).tobytes(), np.int16), 8000).f0_hz == pytest.approx(150, rel=0.01)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    part=st.floats(0.0, 1.0),
    f0_hz=st.floats(62, 395),
    hops=st.integers(1, 4),
    rate_hz=st.sampled_from([8000, 16000]),
)
def test_tracks_agree_with_naive(seed: int, part: float, f0_hz: float, hops: int, rate_hz: int) -> None:
    factor = rate_hz // 8000
    size = factor * (296 + 80 * (hops - 1))
    rng = np.random.default_rng(seed)
    mixed = part * voice(f0_hz, rate_hz)[:size] + (1 - part) * 1000 * noise.white(size, rng) + rng.normal(0, 20, size)
    pcm = np.round(mixed).clip(-32768, 32767).astype(np.int16)
    samples = pcm.reshape(-1, factor).astype(float).mean(axis=1).tolist()
    peaks = [naive.pitch_peaks(samples[80 * hop :][:296], PERIODS, 160, OCTAVE_COST) for hop in range(hops)]
    found = track(pcm, rate_hz)
    for hop, (period, height) in enumerate(naive.pitch_track(peaks, JUMP_COST)):
        assert found.strength[hop] == pytest.approx(height, abs=1e-4)
        if abs(height - VOICED_STRENGTH) > 1e-4:
            expected_hz = 8000 / period if height > VOICED_STRENGTH else 0
            assert found.f0_hz[hop] == pytest.approx(expected_hz, rel=1e-3)


def recorded(name: str) -> NDArray[np.int16]:
    """16 kHz."""
    return np.frombuffer((SPEECH / f"{name}.wav").read_bytes()[44:], np.int16)


@pytest.mark.parametrize("name", sorted(json.loads((SPEECH / "transcripts.json").read_text())))
def test_recorded_voices_have_pitch_that_survives_the_codec(name: str) -> None:
    narrow = np.ascontiguousarray(recorded(name)[: recorded(name).size // 2 * 2].reshape(-1, 2).mean(axis=1), np.int16)
    clean = track(narrow, 8000)
    coded = track(g711.decode_ulaw(g711.encode_ulaw(narrow)), 8000)
    both = (clean.f0_hz > 0) & (coded.f0_hz > 0)
    assert both.sum() > 0.9 * (clean.f0_hz > 0).sum() > 20
    assert np.mean(np.abs(np.log2(clean.f0_hz[both] / coded.f0_hz[both])) < 0.05) > 0.97
    median_hz = np.median(clean.f0_hz[clean.f0_hz > 0])
    assert 70 < median_hz < 300


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([0, 3, 300, 32767]))
def test_the_level_alone_is_that_of_the_whole_measurement(rate_hz: int, seed: int, most: int) -> None:
    pcm = np.random.default_rng(seed).integers(-most, most + 1, 40 * rate_hz // 1000).astype(np.int16)
    assert level_db_alone(pcm, rate_hz) == pitch(pcm, rate_hz).level_db


def test_a_level_needs_as_many_samples_as_a_pitch() -> None:
    with pytest.raises(ValueError, match="37 ms"):
        level_db_alone(hiss(295), 8000)
