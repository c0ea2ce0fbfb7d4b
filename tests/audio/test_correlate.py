from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio import correlate
from mediasrv.audio.correlate import FRAME_SAMPLES, Band, Correlator, energy, energy_at
from tests import naive


def noise(samples: int, seed: int, most: int = 2000) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-most, most, samples, np.int16, endpoint=True)


def tone(hertz: float, rate_hz: int, seconds: float = 0.5) -> NDArray[np.int16]:
    return np.round(8000 * np.sin(2 * np.pi * hertz * np.arange(rate_hz * seconds) / rate_hz)).astype(np.int16)


@settings(deadline=None, max_examples=20)
@given(
    seed=st.integers(0, 2**32 - 1),
    mosts=st.lists(st.sampled_from([0, 1, 50, 3600]), min_size=1, max_size=3),
    keep=st.sampled_from([0.0, 0.5, 1.0]),
    delays=st.integers(1, 12),
    silent=st.integers(0, FRAME_SAMPLES + 11),
    from_the_end=st.booleans(),
)
def test_likeness_agrees_with_naive(
    seed: int, mosts: list[int], keep: float, delays: int, silent: int, from_the_end: bool
) -> None:
    correlator = Correlator(5, 5 + delays - 1)
    frames = [noise(FRAME_SAMPLES, seed + place, most) for place, most in enumerate(mosts)]
    references = [noise(FRAME_SAMPLES + delays - 1, seed + 100 + place, 3600) for place in range(len(mosts))]
    for frame, reference in zip(frames, references, strict=True):
        # Nothing was played for a while, so the frame's twin at some delays is silence.
        reference[-silent:] *= not (silent and from_the_end)
        reference[:silent] *= from_the_end
        like = correlator.compare(frame, reference, keep)
    expected = naive.scores(
        [frame.tolist() for frame in frames],
        [reference.tolist() for reference in references],
        [keep] * len(mosts),
        energy_at(-66.0),
    )
    assert (like.score, like.frame_score) == pytest.approx(expected)
    assert 5 <= like.delay < 5 + delays
    assert 5 <= like.frame_delay < 5 + delays


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), samples=st.integers(0, 40), rate_hz=st.sampled_from([8000, 16000]))
def test_the_band_agrees_with_naive(seed: int, samples: int, rate_hz: int) -> None:
    band = Band(rate_hz)
    pcm = noise(band.reach + samples, seed, 32767)
    coefficients = (correlate._band_pass(rate_hz) / 2**14).tolist()
    expected = naive.filtered(pcm.tolist(), coefficients, rate_hz // 8000, 3600)
    assert np.abs(band.of(pcm) - np.array(expected, np.int64)).max(initial=0) <= 1


@pytest.mark.parametrize("gain", [1.0, 0.03, -0.3])
def test_a_copy_is_found_at_its_delay_whatever_its_gain(gain: float) -> None:
    played = noise(2000, 1)
    correlator = Correlator(100, 900)
    start = 1500
    frame = np.round(gain * played[start - 421 :][:FRAME_SAMPLES]).astype(np.int16)
    like = correlator.compare(frame, played[start - 900 : start - 100 + FRAME_SAMPLES], 0.75)
    assert (like.delay, like.frame_delay) == (421, 421)
    assert like.score > 0.99


def test_frames_add_up_at_the_delay_that_they_share() -> None:
    played, added = noise(4000, 1), noise(4000, 2, 4000)
    correlator = Correlator(0, 800)
    scores = []
    for start in range(1000, 1000 + 12 * FRAME_SAMPLES, FRAME_SAMPLES):
        frame = (played[start - 321 :][:FRAME_SAMPLES] // 2 + added[start:][:FRAME_SAMPLES] // 2).astype(np.int16)
        like = correlator.compare(frame, played[start - 800 : start + FRAME_SAMPLES], 0.9)
        scores.append(like.score)
    assert like.delay == 321
    assert like.score == pytest.approx(0.2, abs=0.08)
    correlator.reset()
    silence = correlator.compare(np.zeros(FRAME_SAMPLES, np.int16), np.zeros(960, np.int16), 0.9)
    assert (silence.score, silence.frame_score) == (0.0, 0.0)


def test_a_reference_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="11 delays"):
        Correlator(0, 10).compare(noise(FRAME_SAMPLES, 1), noise(FRAME_SAMPLES, 1), 1.0)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_what_a_telephone_leaves_out_is_left_out(rate_hz: int) -> None:
    band = Band(rate_hz)
    inside = energy(band.of(tone(1000, rate_hz)))
    assert energy(band.of(tone(60, rate_hz))) < inside / 100
    if rate_hz == 16000:
        assert energy(band.of(tone(5500, rate_hz))) < inside / 1000


def test_both_rates_hear_a_tone_alike() -> None:
    narrow, wide = (energy(Band(rate_hz).of(tone(900, rate_hz))) for rate_hz in (8000, 16000))
    assert narrow == pytest.approx(wide, rel=0.1)


def test_loudest_samples_are_clipped() -> None:
    full = np.where(np.arange(400) // 4 % 2, 32767, -32768).astype(np.int16)
    assert np.abs(Band(8000).of(full)).max() == 3600


def test_energy_is_that_of_its_level() -> None:
    assert energy(np.full(FRAME_SAMPLES, 3277, np.int16)) == pytest.approx(energy_at(20 * np.log10(0.5)), rel=0.01)
