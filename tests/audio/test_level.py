from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists

from mediasrv.audio import level
from tests import naive

SAMPLES = lists(integers(-32768, 32767), max_size=200)
GAINS = floats(-40, 40)


def int16(samples: list[int]) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.array(samples, np.int16)


@given(samples=SAMPLES)
def test_level_agrees_with_naive(samples: list[int]) -> None:
    assert level.level_db(int16(samples)) == pytest.approx(naive.level_db(samples), abs=1e-9)


def test_a_full_square_wave_is_zero_and_a_sine_three_below() -> None:
    assert level.level_db(int16([-32768] * 160)) == 0.0
    sine = np.sin(np.arange(800) * 2 * np.pi / 8) * 32767
    assert level.level_db(sine.astype(np.int16)) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("samples", [[], [0] * 160, [1] + [0] * 10_000])
def test_silence_has_the_level_of_the_floor(samples: list[int]) -> None:
    assert level.level_db(int16(samples)) == level.FLOOR_DB


@given(samples=SAMPLES, from_gain=GAINS, to_gain=GAINS)
def test_fade_agrees_with_naive(samples: list[int], from_gain: float, to_gain: float) -> None:
    assert level.fade(int16(samples), from_gain, to_gain).tolist() == naive.fade(samples, from_gain, to_gain)


def test_a_fade_in_two_pieces_is_the_fade_in_one() -> None:
    # Powers of two, so that every gain is exact.
    pcm = np.full(256, 10_000, np.int16)
    whole = level.fade(pcm, 1.0, 0.0)
    halves = np.concatenate((level.fade(pcm[:128], 1.0, 0.5), level.fade(pcm[128:], 0.5, 0.0)))
    assert np.array_equal(whole, halves)
    assert whole[0] == 10_000
    assert np.all(np.diff(whole) < 0)


@given(samples=SAMPLES)
def test_six_decibels_double_and_saturate(samples: list[int]) -> None:
    doubled = level.gain(int16(samples), 20 * float(np.log10(2)))
    assert doubled.tolist() == pytest.approx([naive.saturated(2 * sample) for sample in samples], abs=1)


def test_gain_leaves_the_samples_it_was_given() -> None:
    pcm = int16([100, -100])
    assert level.gain(pcm, -20).tolist() == [10, -10]
    assert pcm.tolist() == [100, -100]


@given(pairs=lists(integers(-32768, 32767).flatmap(lambda a: integers(-32768, 32767).map(lambda b: (a, b)))))
def test_mix_agrees_with_naive(pairs: list[tuple[int, int]]) -> None:
    a, b = [a for a, _ in pairs], [b for _, b in pairs]
    assert level.mix(int16(a), int16(b)).tolist() == naive.mix(a, b)


def test_pieces_of_different_length_do_not_mix() -> None:
    with pytest.raises(ValueError, match="cannot mix 2 samples with 3"):
        level.mix(int16([1, 2]), int16([1, 2, 3]))
