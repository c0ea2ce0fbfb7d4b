from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.turn.gate import MOST_UNREST_DB
from mediasrv.turn.noise import GAUSSIAN_UNREST_DB, VOICE_PERIODICITY, periodicity
from tests import naive, noise
from tests.turn.parts import NoiseFloor

LAGS = range(20, 129)
"""Periods of a voice, samples at 8 kHz."""
EVERYWHERE = np.ones(4)


def hum(samples: int, rate_hz: int = 8000) -> NDArray[np.int16]:
    """A voice that holds its tone: harmonics of 120 Hz."""
    phase = 2 * np.pi * 120 * np.arange(samples)[:, None] / rate_hz
    wave = np.sum(np.sin(phase * np.arange(1, 25)) / np.arange(1, 25), axis=1)
    return np.asarray(np.round(3000 * wave), np.int16)


def hiss(samples: int, seed: int = 1) -> NDArray[np.int16]:
    return np.round(1000 * noise.white(samples, np.random.default_rng(seed))).astype(np.int16)


def learn(
    floor: NoiseFloor, level_db: float, frames: int, is_noise: bool, sound: NDArray[np.int16] | None = None
) -> None:
    """A steady level in every band."""
    for frame in (hiss(frames * 160) if sound is None else sound).reshape(-1, 160)[:frames]:
        floor.learn(level_db * EVERYWHERE, frame, is_noise)


@settings(deadline=None, max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.lists(
        st.tuples(
            st.sampled_from([-60.0, -40.0, -20.0]), st.sampled_from([0.3, 2.0, 9.0]), st.booleans(), st.booleans()
        ),
        min_size=1,
        max_size=5,
    ),
)
def test_the_floor_agrees_with_naive(seed: int, parts: list[tuple[float, float, bool, bool]]) -> None:
    """Parts of a line's sound: its level, how much it wavers, whether it is taken for noise, whether it is a hum."""
    rng = np.random.default_rng(seed)
    floor, slow = NoiseFloor(8000), naive.Floor(list(GAUSSIAN_UNREST_DB))
    before = np.zeros(160, np.int16)
    for level_db, wavers_db, is_noise, hums in parts:
        for frame in (hum if hums else hiss)(160 * int(rng.integers(1, 160))).reshape(-1, 160):
            levels_db = level_db + wavers_db * rng.standard_normal(4)
            floor.learn(levels_db, frame, is_noise)
            likeness = periodicity(np.concatenate([before, frame]), 1)
            slow.learn(list(levels_db), is_noise, likeness >= VOICE_PERIODICITY)
            before = frame
            assert floor.levels_db == pytest.approx(slow.floor)
            assert floor.unrest_db == pytest.approx(slow.unrest)
    heard_db = -40 + 20 * rng.standard_normal(4)
    unrest = [max(each, 0.9) for each in slow.unrest]
    assert floor.excess(heard_db, 0.9) == pytest.approx(naive.excess(list(heard_db), slow.floor, unrest))
    assert floor.level_db == pytest.approx(10 * np.log10(np.sum(10 ** (floor.levels_db / 10))))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), part=st.floats(0, 1))
def test_periodicity_agrees_with_naive(seed: int, part: float) -> None:
    mixed = np.round(part * hum(320) + (1 - part) * hiss(320, seed)).astype(np.int16)
    assert periodicity(mixed, 1) == pytest.approx(naive.periodicity(mixed.tolist(), LAGS))


def test_a_hum_repeats_itself_at_either_rate_and_under_an_offset() -> None:
    assert periodicity(hum(320), 1) > 0.9
    assert periodicity(hum(640, 16000), 2) > 0.9
    assert periodicity((hum(320) + 8000).astype(np.int16), 1) > 0.9


@pytest.mark.parametrize("sound", [noise.white, noise.pink])
def test_noise_does_not_repeat_itself(sound: Callable[[int, np.random.Generator], noise.Signal]) -> None:
    frames = np.round(1000 * sound(320 * 200, np.random.default_rng(5))).astype(np.int16).reshape(-1, 320)
    likeness = [periodicity(frame, 1) for frame in frames]
    assert np.percentile(likeness, 95) < VOICE_PERIODICITY


def test_neither_does_silence() -> None:
    assert periodicity(np.zeros(320, np.int16), 1) == 0.0


def test_nothing_stands_out_before_the_first_frame() -> None:
    assert NoiseFloor(8000).excess(-1 * EVERYWHERE, 0.0) == 0.0


def test_the_first_frame_is_the_floor() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -50, 1, is_noise=True)
    assert floor.levels_db == pytest.approx(-50)
    assert floor.level_db == pytest.approx(-44, abs=0.1)


def test_only_what_is_over_the_floor_stands_out() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -60, 20, is_noise=True)
    everywhere = floor.excess(-30 * EVERYWHERE, 4.0)
    assert everywhere == pytest.approx(30 / 4)
    assert floor.excess(-80 * EVERYWHERE, 4.0) == 0.0
    assert floor.excess(np.array([-30.0, -80, -80, -80]), 4.0) == pytest.approx(everywhere / 2)


def test_voice_does_not_raise_the_floor_but_lets_it_sink() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -60, 20, is_noise=True)
    learn(floor, -20, 4, is_noise=False)
    assert floor.levels_db == pytest.approx(-60)
    learn(floor, -70, 1, is_noise=False)
    # The mean of 20 frames and of the 3 that stood for them before.
    assert floor.levels_db == pytest.approx(-60 - 10 / 23)


def test_noise_that_begins_in_mid_call_is_the_floor_once_it_held_steady() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -60, 20, is_noise=True)
    learn(floor, -30, 9, is_noise=False)
    assert floor.levels_db == pytest.approx(-60)
    learn(floor, -30, 1, is_noise=False)
    assert floor.levels_db == pytest.approx(-30)


def test_a_voice_that_hums_is_not_the_floor() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -60, 20, is_noise=True)
    learn(floor, -30, 50, is_noise=False, sound=hum(160 * 50))
    assert floor.levels_db == pytest.approx(-60)


def test_what_never_rests_is_the_floor_in_the_end() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -60, 20, is_noise=True)
    learn(floor, -30, 124, is_noise=False, sound=hum(160 * 124))
    assert floor.levels_db == pytest.approx(-60)
    learn(floor, -30, 1, is_noise=False, sound=hum(160))
    assert floor.levels_db == pytest.approx(-30)


def test_the_floor_drops_when_a_loud_sound_ends() -> None:
    floor = NoiseFloor(8000)
    learn(floor, -30, 40, is_noise=True)
    learn(floor, -70, 4, is_noise=True)
    assert floor.levels_db.min() > -40
    learn(floor, -70, 1, is_noise=True)
    assert floor.levels_db == pytest.approx(-70)


def test_a_line_without_any_rest_is_a_crowd() -> None:
    """Bands that rest one by one, never together."""
    rng = np.random.default_rng(6)
    floor = NoiseFloor(8000)
    learn(floor, -65, 20, is_noise=True)
    for place, frame in enumerate(hum(160 * 175).reshape(-1, 160)):
        assert floor.levels_db.max() < -50
        levels_db = -35 + 5 * rng.standard_normal(4)
        levels_db[place // 5 % 4] = -65
        floor.learn(levels_db, frame, False)
    assert floor.levels_db.min() > -60
    assert floor.unrest_db == pytest.approx(MOST_UNREST_DB)


def test_a_crowd_may_leave_a_band_alone() -> None:
    """Whose levels then have no variance at all, but for rounding."""
    rng = np.random.default_rng(6)
    for quiet_db in np.linspace(-72, -71, 20):
        floor = NoiseFloor(8000)
        for frame in hum(160 * 200).reshape(-1, 160):
            floor.learn(np.array([quiet_db, *(-30 + 5 * rng.standard_normal(3))]), frame, False)
        assert floor.unrest_db[0] == pytest.approx(0.8 * GAUSSIAN_UNREST_DB[0])


def test_a_pause_between_words_shows_that_there_is_no_crowd() -> None:
    rng = np.random.default_rng(6)
    floor = NoiseFloor(8000)
    learn(floor, -65, 20, is_noise=True)
    for place, frame in enumerate(hum(160 * 500).reshape(-1, 160)):
        pauses = place % 60 >= 52
        floor.learn(np.full(4, -65.0) if pauses else -35 + 5 * rng.standard_normal(4), frame, pauses)
    assert floor.levels_db == pytest.approx(-65, abs=1)


def test_a_restless_line_asks_for_more() -> None:
    rng = np.random.default_rng(3)
    steady, restless = NoiseFloor(8000), NoiseFloor(8000)
    for frame in hiss(160 * 100).reshape(-1, 160):
        wavers = rng.standard_normal(4)
        steady.learn(-50 + wavers, frame, True)
        restless.learn(-50 + 3 * wavers, frame, True)
    voice_db = -42 * EVERYWHERE
    assert steady.excess(voice_db, 0.0) > 2 * restless.excess(voice_db, 0.0)
