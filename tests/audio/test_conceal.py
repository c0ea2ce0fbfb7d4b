from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists
from numpy.typing import NDArray

from mediasrv.audio.conceal import Concealer, _period, _repeat
from mediasrv.audio.level import level_db
from tests import naive

RATE_HZ = 8000


def voice(n_samples: int, pitch_hz: float = 125.0, rate_hz: int = RATE_HZ) -> NDArray[np.int16]:
    """A vowel of sorts: a falling series of harmonics."""
    at = np.arange(n_samples) / rate_hz
    wave = sum(np.sin(2 * np.pi * pitch_hz * n * at) / n for n in range(1, 9))
    return np.asarray(wave * 5000, np.int16)


def in_frames(pcm: NDArray[np.int16], size: int = 160) -> list[NDArray[np.int16]]:
    return [pcm[start : start + size] for start in range(0, pcm.size, size)]


def concealer_after(pcm: NDArray[np.int16], rate_hz: int = RATE_HZ) -> Concealer:
    concealer = Concealer(rate_hz)
    for frame in in_frames(pcm):
        concealer.heard(frame)
    return concealer


def test_samples_that_came_are_played_untouched() -> None:
    frame = voice(160)
    assert Concealer(RATE_HZ).heard(frame) is frame


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 48000])
@pytest.mark.parametrize("pitch_hz", [80, 125, 190, 260])
def test_a_vowel_goes_on_through_the_first_ten_milliseconds(rate_hz: int, pitch_hz: float) -> None:
    whole = voice(rate_hz, pitch_hz, rate_hz)
    heard, missing = whole[: rate_hz // 5], whole[rate_hz // 5 :]
    made_up = concealer_after(heard, rate_hz).conceal(rate_hz // 100)
    error = made_up.astype(float) - missing[: made_up.size]
    assert level_db(error.astype(np.int16)) < level_db(made_up) - 10


def test_made_up_audio_is_as_loud_at_first_and_silent_after_sixty_milliseconds() -> None:
    heard = voice(1600)
    concealer = concealer_after(heard)
    levels = [level_db(concealer.conceal(80)) for _ in range(7)]
    assert levels[0] == pytest.approx(level_db(heard), abs=1.5)
    assert levels[1:] == sorted(levels[1:], reverse=True)
    assert levels[6] == -96.0


def test_it_knows_when_only_silence_is_left() -> None:
    concealer = concealer_after(voice(1600))
    concealer.conceal(479)
    assert not concealer.is_silent
    concealer.conceal(1)
    assert concealer.is_silent
    concealer.heard(voice(160))
    assert not concealer.is_silent


def test_no_seam_is_steeper_than_the_voice_itself() -> None:
    whole = voice(1600)
    steepest = abs(np.diff(whole.astype(int))).max()
    concealer = concealer_after(whole[:800])
    played = [whole[:800], concealer.conceal(240), concealer.heard(whole[1040:1200]), concealer.heard(whole[1200:])]
    assert abs(np.diff(np.concatenate(played).astype(int))).max() <= 1.5 * steepest


@pytest.mark.parametrize("begins_at", range(0, 260, 37))
def test_sound_without_a_period_is_repeated_without_a_click(begins_at: int) -> None:
    """A hum of 31 Hz is too low to have a period here: where it breaks off and where it is repeated lie far apart."""
    hum = np.asarray(8000 * np.sin(2 * np.pi * 31 * np.arange(begins_at, begins_at + 1600) / RATE_HZ), np.int16)
    steepest = abs(np.diff(hum.astype(int))).max()
    made_up = concealer_after(hum).conceal(400)
    played = np.concatenate((hum[-80:], made_up)).astype(int)
    # Heights that differ by up to the whole range are led over in 2 ms.
    assert abs(np.diff(played)).max() < steepest + 2 * 16_000 / 16


def test_the_stream_fades_in_for_five_milliseconds_after_a_gap() -> None:
    concealer = concealer_after(voice(1600))
    concealer.conceal(800)
    frame = np.full(160, 10_000, np.int16)
    joined = concealer.heard(frame)
    assert joined is not frame
    assert np.all(np.diff(joined[:40].astype(int)) > 0)
    assert np.all(joined[40:] == 10_000)
    assert np.all(frame == 10_000)
    assert concealer.heard(frame) is frame


def test_a_gap_made_up_in_pieces_is_the_gap_made_up_at_once() -> None:
    heard = voice(1600)
    at_once = concealer_after(heard).conceal(400)
    concealer = concealer_after(heard)
    assert np.array_equal(np.concatenate([concealer.conceal(n) for n in (1, 79, 160, 0, 160)]), at_once)


def test_nothing_before_the_stream_is_silence() -> None:
    assert not Concealer(RATE_HZ).conceal(160).any()


def test_an_empty_piece_ends_no_gap() -> None:
    concealer = concealer_after(voice(1600))
    concealer.conceal(480)
    concealer.heard(np.empty(0, np.int16))
    assert concealer.is_silent


def test_a_second_gap_is_made_up_of_what_was_played_since_the_first() -> None:
    concealer = concealer_after(voice(1600))
    concealer.conceal(480)
    for frame in in_frames(np.zeros(320, np.int16)):
        concealer.heard(frame)
    assert not concealer.conceal(160)[80:].any()


def test_made_up_audio_saturates_and_never_wraps_around() -> None:
    near_the_top = np.where(np.arange(560) % 2, 32767, 32000).astype(np.int16)
    # A last sample far above the others is a step that is added to what is repeated.
    near_the_top[:-1] -= 3000
    concealer = concealer_after(near_the_top)
    assert concealer.conceal(80).min() > 20_000
    assert concealer.heard(np.full(160, 32767, np.int16)).min() > 20_000


@given(samples=lists(integers(-32768, 32767), min_size=50, max_size=50), stride=integers(1, 3))
def test_the_period_agrees_with_naive(samples: list[int], stride: int) -> None:
    past = np.array(samples, np.int16)
    assert _period(past, 5, 15, 20, stride) == naive.period(samples, 5, 15, 20, stride)


def test_the_period_of_a_voice_is_found() -> None:
    assert _period(voice(280), 40, 120, 160, 1) == RATE_HZ / 125


@given(
    piece=lists(integers(-32768, 32767), min_size=1, max_size=40), step=integers(-65535, 65535), start=integers(0, 90)
)
def test_what_is_repeated_agrees_with_naive(piece: list[int], step: int, start: int) -> None:
    pcm = np.empty(70, np.int16)
    _repeat(np.array(piece, np.int16), step, start, 6, 20, 80, pcm)
    assert pcm.tolist() == naive.repeat(piece, step, start, 6, 20, 80, 70)
