from __future__ import annotations

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import integers, lists, sampled_from
from numpy.typing import NDArray

from mediasrv.audio.resample import RATES_HZ, Resampler, design, resampler
from tests import naive

PAIRS = list(permutations(RATES_HZ, 2))
AMPLITUDE = 20_000
SAMPLES = integers(-32768, 32767)

pairs = pytest.mark.parametrize(("from_hz", "to_hz"), PAIRS)


def resample(pcm: NDArray[np.int16], from_hz: int, to_hz: int) -> NDArray[np.int16]:
    resampler = Resampler(from_hz, to_hz)
    return np.concatenate((resampler.push(pcm), resampler.flush()))


def tone(frequency_hz: float, rate_hz: int) -> NDArray[np.int16]:
    """A fifth of a second."""
    at = np.arange(rate_hz // 5) / rate_hz
    return np.asarray(np.rint(AMPLITUDE * np.sin(2 * np.pi * frequency_hz * at)), np.int16)


def steady(pcm: NDArray[np.int16], rate_hz: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What lies clear of the ends, and its times."""
    margin = rate_hz // 100
    return pcm[margin:-margin].astype(np.float64), np.arange(margin, pcm.size - margin) / rate_hz


def ratio_db(part: float) -> float:
    """Of an RMS value to that of the tones."""
    return float(20 * np.log10(max(part, 1e-9) / (AMPLITUDE / np.sqrt(2))))


def rms(signal: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(signal**2)))


def fitted(frequency_hz: float, out: NDArray[np.int16], rate_hz: int) -> tuple[complex, float]:
    """A tone's gain in the output, as a complex number, and the RMS of all that is not the tone."""
    signal, at = steady(out, rate_hz)
    turn = 2 * np.pi * frequency_hz * at
    basis = np.stack((np.sin(turn), np.cos(turn)), axis=1)
    weights = np.linalg.lstsq(basis, signal, rcond=None)[0]
    return complex(*weights) / AMPLITUDE, rms(signal - basis @ weights)


@pairs
def test_the_passband_is_flat_in_time_and_free_of_images(from_hz: int, to_hz: int) -> None:
    lower_hz = min(from_hz, to_hz)
    for part in (0.01, 0.0731, 0.1873, 0.3, 0.3777, 0.4125):
        frequency_hz = part * lower_hz
        gain, residue = fitted(frequency_hz, resample(tone(frequency_hz, from_hz), from_hz, to_hz), to_hz)
        assert abs(20 * np.log10(abs(gain))) < 0.1
        # The output lies where the input does: no delay is left in it, not even a hundredth of a sample.
        assert abs(np.angle(gain)) / (2 * np.pi * part) < 0.01
        assert ratio_db(residue) < -60


@pairs
def test_at_3400_hz_of_a_telephone_line_less_than_one_decibel_is_lost(from_hz: int, to_hz: int) -> None:
    frequency_hz = 0.425 * min(from_hz, to_hz)
    gain, _ = fitted(frequency_hz, resample(tone(frequency_hz, from_hz), from_hz, to_hz), to_hz)
    assert -1 < 20 * np.log10(abs(gain)) < 0.1


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] < pair[1]])
def test_images_are_rejected_even_of_tones_at_the_edge(from_hz: int, to_hz: int) -> None:
    for part in (0.43, 0.45, 0.47, 0.485, 0.4975):
        frequency_hz = part * from_hz
        _, residue = fitted(frequency_hz, resample(tone(frequency_hz, from_hz), from_hz, to_hz), to_hz)
        assert ratio_db(residue) < -60


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_aliases_are_rejected(from_hz: int, to_hz: int) -> None:
    for frequency_hz in np.linspace(to_hz / 2 * 1.003, from_hz / 2 * 0.997, 25):
        out, _ = steady(resample(tone(frequency_hz, from_hz), from_hz, to_hz), to_hz)
        assert ratio_db(rms(out)) < -60


@pairs
def test_the_whole_stopband_of_the_filter_is_60_db_down(from_hz: int, to_hz: int) -> None:
    """The coefficients of all phases, interleaved, are the filter at the common multiple of both rates."""
    up, _, _, coefficients = design(from_hz, to_hz)
    taps = coefficients.reshape(up, -1)[::-1].T.ravel() / 2**14
    response = abs(np.fft.rfft(taps, 1 << (32 * taps.size).bit_length())) / up
    frequency_hz = np.linspace(0, up * from_hz / 2, response.size)
    assert 20 * np.log10(response[frequency_hz >= min(from_hz, to_hz) / 2].max()) < -60


@pairs
def test_a_sample_is_held_back_as_long_as_promised_and_never_over_3_ms(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    produced = 0
    for pushed in range(1, 400):
        # The output for the time of the newest input would be the last; what is missing of them is held back.
        produced += resampler.push(np.zeros(1, np.int16)).size
        newest_s, given_s = (pushed - 1) / from_hz, (produced - 1) / to_hz
        assert newest_s - given_s < resampler.delay_ms / 1000 + 1 / to_hz
    assert resampler.delay_ms <= 3.0
    assert produced > 0


@given(pair=sampled_from(PAIRS), samples=lists(SAMPLES, max_size=120))
def test_it_agrees_with_naive(pair: tuple[int, int], samples: list[int]) -> None:
    up, _, reach, coefficients = design(*pair)
    phases = coefficients.reshape(up, -1).tolist()
    pcm = np.array(samples, np.int16)
    assert resample(pcm, *pair).tolist() == naive.resample(samples, *pair, reach, phases)


@pairs
def test_full_scale_saturates_and_never_wraps_around(from_hz: int, to_hz: int) -> None:
    """The worst input there is for a phase: full scale wherever its coefficients are of one sign."""
    up, _, reach, coefficients = design(from_hz, to_hz)
    phases = coefficients.reshape(up, -1)
    sums = abs(phases.astype(int)).sum(axis=1)
    worst = phases[sums.argmax()]
    assert sums.max() * 32768 + 8192 < 1 << 31
    samples = np.where(worst > 0, 32767, -32768).tolist() * 2
    pcm = np.array(samples, np.int16)
    assert resample(pcm, from_hz, to_hz).tolist() == naive.resample(samples, from_hz, to_hz, reach, phases.tolist())


@settings(max_examples=200)
@given(pair=sampled_from(PAIRS), sizes=lists(integers(0, 400) | integers(0, 2), max_size=12))
def test_the_output_does_not_depend_on_how_the_stream_was_cut(pair: tuple[int, int], sizes: list[int]) -> None:
    rng = np.random.default_rng(len(sizes))
    pieces = [rng.integers(-32768, 32768, size).astype(np.int16) for size in sizes]
    resampler = Resampler(*pair)
    out = [*(resampler.push(piece) for piece in pieces), resampler.flush()]
    whole = np.concatenate([np.empty(0, np.int16), *pieces])
    assert np.array_equal(np.concatenate(out), resample(whole, *pair))


@given(pair=sampled_from(PAIRS), size=integers(0, 2000))
def test_the_output_is_as_long_as_the_input(pair: tuple[int, int], size: int) -> None:
    out = resample(np.zeros(size, np.int16), *pair)
    assert out.dtype == np.int16
    assert out.size == round(Fraction(size * pair[1], pair[0]))


@pairs
def test_a_constant_stays_one(from_hz: int, to_hz: int) -> None:
    out, _ = steady(resample(np.full(from_hz // 5, 12_345, np.int16), from_hz, to_hz), to_hz)
    assert np.all(out == 12_345)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44_100, 8000), (22_050, 8000), (8000, 44_100), (24_000, 22_050)])
def test_nothing_drifts_in_an_hour(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    minute = np.zeros(60 * from_hz, np.int16)
    produced = sum(resampler.push(minute).size for _ in range(60))
    click = np.zeros(from_hz // 10, np.int16)
    # A fiftieth of a second is a whole number of samples at every rate.
    click[from_hz // 50] = 30_000
    tail = np.concatenate((resampler.push(click), resampler.flush()))
    assert produced + tail.size == 3600 * to_hz + to_hz // 10
    assert produced + abs(tail.astype(int)).argmax() == 3600 * to_hz + to_hz // 50


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_with_equal_rates_the_samples_come_back_untouched(rate_hz: int) -> None:
    resampler = Resampler(rate_hz, rate_hz)
    pcm = np.arange(7, dtype=np.int16)
    assert resampler.push(pcm) is pcm
    assert resampler.flush().size == 0
    assert resampler.delay_ms == 0


def test_after_flush_the_next_stream_starts_anew() -> None:
    pcm = tone(440, 8000)
    resampler = Resampler(8000, 16_000)
    first = np.concatenate((resampler.push(pcm), resampler.flush()))
    second = np.concatenate((resampler.push(pcm), resampler.flush()))
    assert np.array_equal(first, second)


def test_a_stream_does_not_follow_changes_of_what_was_pushed() -> None:
    pcm = tone(440, 8000)
    resampler = Resampler(8000, 16_000)
    piece = pcm[:400].copy()
    out = [resampler.push(piece)]
    piece[:] = 0
    out += [resampler.push(pcm[400:]), resampler.flush()]
    assert np.array_equal(np.concatenate(out), resample(pcm, 8000, 16_000))


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 11_025), (12_345, 8000), (0, 8000)])
def test_other_rates_are_refused(from_hz: int, to_hz: int) -> None:
    with pytest.raises(ValueError, match="cannot resample"):
        Resampler(from_hz, to_hz)


def test_a_filter_is_designed_once_for_all_streams() -> None:
    assert design(8000, 16_000) is design(8000, 16_000)


def test_a_stream_that_keeps_its_rate_needs_no_resampler_and_no_two_streams_share_one() -> None:
    assert resampler(8000, 8000) is None
    first, second = resampler(8000, 16000), resampler(8000, 16000)
    assert first is not None
    assert first is not second
