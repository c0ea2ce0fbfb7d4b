from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio.duet import AHEAD_MS, GAP_MS, Duet

RATE_HZ = 8000
FRAME = 160
START_S = 100.0


def tone(value: int, samples: int = FRAME) -> NDArray[np.int16]:
    return np.full(samples, value, np.int16)


def frames(duet: Duet, count: int, value: int = 1, first: int = 0) -> NDArray[np.int16]:
    """Hear frames that arrive as they are spoken."""
    arrivals = (START_S + (first + number + 1) * 0.020 for number in range(count))
    return np.concatenate([duet.hear(tone(value), at) for at in arrivals])


def test_the_caller_is_left_and_the_bot_right_where_it_was_heard() -> None:
    duet = Duet(RATE_HZ, START_S)
    duet.play(tone(7), START_S + 0.040)
    both = frames(duet, 4)
    assert both.shape == (4 * FRAME, 2)
    assert (both[:, 0] == 1).all()
    assert (both[2 * FRAME : 3 * FRAME, 1] == 7).all()
    assert np.count_nonzero(both[:, 1]) == FRAME


def test_pieces_of_one_speech_follow_one_another_without_a_hole() -> None:
    duet = Duet(RATE_HZ, START_S)
    for number in range(5):
        duet.play(tone(7), START_S + number * 0.020 + 0.0001)
    both = frames(duet, 5)
    assert (both[1:, 1] == 7).all()


def test_what_was_cut_is_not_in_the_recording() -> None:
    duet = Duet(RATE_HZ, START_S)
    duet.play(tone(7, 10 * FRAME), START_S)
    frames(duet, 2)
    duet.cut(START_S + 0.060)
    duet.play(tone(9), START_S + 0.060)
    both = frames(duet, 3, first=2)
    assert (both[:FRAME, 1] == 7).all()
    assert (both[FRAME : 2 * FRAME, 1] == 9).all()
    assert not both[2 * FRAME :, 1].any()


def test_audio_told_too_late_goes_behind_what_was_given_out() -> None:
    duet = Duet(RATE_HZ, START_S)
    frames(duet, 3)
    duet.play(tone(7), START_S)
    assert (frames(duet, 1, first=3)[:, 1] == 7).all()


def test_a_caller_who_sends_nothing_is_silent_for_as_long() -> None:
    duet = Duet(RATE_HZ, START_S)
    frames(duet, 1)
    pause_s = GAP_MS / 1000 + 1
    both = duet.hear(tone(1), START_S + 0.040 + pause_s)
    assert len(both) == FRAME + pause_s * RATE_HZ
    assert (both[-FRAME:, 0] == 1).all()
    assert np.count_nonzero(both) == FRAME


def test_jitter_adds_no_silence() -> None:
    duet = Duet(RATE_HZ, START_S)
    assert len(duet.hear(tone(1), START_S + 0.5)) == FRAME


def test_the_end_holds_what_the_bot_said_last() -> None:
    duet = Duet(RATE_HZ, START_S)
    frames(duet, 1)
    duet.play(tone(7, 4 * FRAME), START_S + 0.020)
    both = duet.finish(START_S + 0.060)
    assert both.shape == (2 * FRAME, 2)
    assert (both[:, 1] == 7).all()
    assert duet.length == 3 * FRAME


@pytest.mark.parametrize("begins_s", [START_S, START_S + AHEAD_MS / 1000 + 5])
def test_what_is_told_far_ahead_has_a_bound(begins_s: float) -> None:
    duet = Duet(RATE_HZ, START_S)
    for _ in range(3):
        duet.play(tone(7, AHEAD_MS * RATE_HZ // 1000), begins_s)
    assert len(duet.finish(START_S + 1000)) == AHEAD_MS * RATE_HZ // 1000


@given(st.lists(st.tuples(st.sampled_from(["hear", "play", "cut"]), st.floats(0, 0.5), st.integers(0, 400))))
def test_nothing_that_happens_loses_a_sample_of_the_caller(steps: list[tuple[str, float, int]]) -> None:
    duet, now, spoken = Duet(RATE_HZ, START_S), START_S, 0
    heard: list[NDArray[np.int16]] = []
    for step, later_s, samples in steps:
        now += later_s
        if step == "hear":
            heard.append(duet.hear(tone(1, samples), now))
            spoken += samples
        elif step == "play":
            duet.play(tone(7, samples), now)
        else:
            duet.cut(now)
    both = np.concatenate([np.zeros((0, 2), np.int16), *heard])
    assert np.count_nonzero(both[:, 0]) == spoken
    assert len(both) == duet.length
