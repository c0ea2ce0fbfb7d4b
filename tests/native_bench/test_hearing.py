"""What is found in samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from native_bench.turntaking.hearing import largest_step_db, places_of

RNG = np.random.default_rng(5)


def speech(samples: int) -> NDArray[np.int16]:
    return RNG.normal(0, 3000, samples).astype(np.int16)


def test_a_piece_is_found_wherever_and_however_loud_it_is_heard() -> None:
    voice = speech(32_000)
    heard = np.zeros(80_000, np.int16)
    heard[10_000:42_000] = voice
    heard[50_000:54_000] = voice[:4000] // 4
    assert places_of(voice[:3200], heard) == [10_000, 50_000]


def test_another_voice_and_silence_are_not_the_piece() -> None:
    assert places_of(speech(3200), speech(40_000)) == []
    assert places_of(speech(3200), np.zeros(40_000, np.int16)) == []
    assert places_of(speech(3200), speech(100)) == []


def test_half_of_a_piece_is_not_the_piece() -> None:
    voice = speech(3200)
    heard = np.zeros(20_000, np.int16)
    heard[5000:6600] = voice[:1600]
    assert places_of(voice, heard) == []


def test_a_voice_that_breaks_off_makes_a_step_and_one_that_fades_does_not() -> None:
    voice = np.full(4000, 8192, np.int16)
    broken = np.concatenate((voice, np.zeros(4000, np.int16)))
    fade = np.linspace(8192, 0, 240).astype(np.int16)
    faded = np.concatenate((voice, fade, np.zeros(4000, np.int16)))
    step_db, softer_db = largest_step_db(broken, 0, len(broken)), largest_step_db(faded, 0, len(faded))
    assert step_db is not None
    assert softer_db is not None
    assert round(step_db, 1) == -12.0
    assert softer_db < -50


def test_a_voice_that_begins_makes_a_step_too_but_none_outside_of_where_we_look() -> None:
    heard = np.concatenate((np.zeros(4000, np.int16), np.full(4000, 8192, np.int16)))
    assert largest_step_db(heard, 0, 3000) is None
    assert largest_step_db(heard, 3000, 5000) is not None


def test_the_zero_crossings_of_a_voice_are_no_silence() -> None:
    tone = (8000 * np.sin(np.arange(8000) * 2 * np.pi * 100 / 8000)).astype(np.int16)
    assert largest_step_db(tone, 0, len(tone)) is None
