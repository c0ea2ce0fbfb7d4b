import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.turn.bands import EDGES_HZ
from mediasrv.turn.gate import QUIETEST_DB
from tests import naive
from tests.turn.parts import FilterBank


def tone(hertz: float, rate_hz: int, amplitude: float = 16384, offset: float = 0) -> NDArray[np.int16]:
    """One second of a sine, as frames."""
    samples = amplitude * np.sin(2 * np.pi * hertz * np.arange(rate_hz) / rate_hz) + offset
    return np.round(samples).astype(np.int16).reshape(50, -1)


def last_level_db(frames: NDArray[np.int16], rate_hz: int) -> tuple[float, list[float]]:
    bank = FilterBank(rate_hz)
    for frame in frames:
        level_db = bank.measure(frame)
    return level_db, list(bank.levels_db)


@settings(deadline=None, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    amplitudes=st.lists(st.sampled_from([0, 1, 30, 1000, 32767]), min_size=1, max_size=6),
    rate_hz=st.sampled_from([8000, 16000]),
)
def test_bands_agree_with_naive(seed: int, amplitudes: list[int], rate_hz: int) -> None:
    rng = np.random.default_rng(seed)
    frames = [rng.integers(-most, most, rate_hz // 50, np.int16, endpoint=True) for most in amplitudes]
    expected = naive.band_levels_db([frame.tolist() for frame in frames], rate_hz, EDGES_HZ)
    bank = FilterBank(rate_hz)
    for frame, levels_db in zip(frames, expected, strict=True):
        together_db = bank.measure(frame)
        assert bank.levels_db == pytest.approx(np.maximum(levels_db, QUIETEST_DB), abs=1e-4)
        # Each of the four has the bottom of -120 dB that all have once.
        together = np.sum(10 ** (np.array(levels_db) / 10)) - 3e-12
        assert together_db == pytest.approx(10 * np.log10(together), abs=1e-3)


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("band", range(4))
def test_a_tone_is_loudest_in_its_own_band(rate_hz: int, band: int) -> None:
    hertz = float(np.sqrt(EDGES_HZ[band] * EDGES_HZ[band + 1]))
    level_db, levels_db = last_level_db(tone(hertz, rate_hz), rate_hz)
    assert int(np.argmax(levels_db)) == band
    # A sine of half the full scale.
    assert levels_db[band] == pytest.approx(-9.0, abs=0.4)
    assert -9 < level_db < -7


def test_both_rates_hear_a_tone_alike() -> None:
    for hertz in (150, 300, 700, 1400, 2500):
        narrow, wide = (last_level_db(tone(hertz, rate_hz), rate_hz)[1] for rate_hz in (8000, 16000))
        assert max(narrow) == pytest.approx(max(wide), abs=0.6)


def test_the_hum_of_the_mains_is_held_down() -> None:
    assert last_level_db(tone(50, 8000), 8000)[0] < -9 - 12


def test_an_offset_of_the_line_is_not_heard() -> None:
    plain_db, offset_db = (last_level_db(tone(1000, 8000, 3000, offset), 8000)[0] for offset in (0, 20_000))
    assert offset_db == pytest.approx(plain_db, abs=0.01)


def test_digital_silence_has_a_level_and_bands_have_a_lowest_one() -> None:
    level_db, levels_db = last_level_db(np.zeros((3, 160), np.int16), 8000)
    assert level_db == pytest.approx(-120, abs=0.1)
    assert levels_db == [QUIETEST_DB] * 4


def test_filters_come_to_rest_after_a_sound() -> None:
    bank = FilterBank(8000)
    for frame in tone(300, 8000, 30_000):
        bank.measure(frame)
    silence = np.zeros(160, np.int16)
    levels_db = [bank.measure(silence) for _ in range(100)]
    assert levels_db[2] < -60
    assert levels_db[-1] == bank.measure(silence) == pytest.approx(-120)
    # No number is left that is too small for the processor's fast path.
    smallest = np.finfo(np.float64).tiny
    assert all(value == 0 or abs(value) > smallest for value in bank._memory.ravel())
