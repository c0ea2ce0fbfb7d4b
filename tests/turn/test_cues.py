from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.audio.pitch import HOP_MS, PitchTrack
from mediasrv.turn.cues import QUESTION_FINALITY, QUESTION_HEIGHT, QUESTION_RISE, Cues, VoiceRange, listen
from tests import naive

# A hop's pitch, strength and level; a pitch in half of them or more.
pitches = st.one_of(st.just(0.0), st.floats(60.0, 400.0), st.floats(100.0, 130.0))
hops = st.tuples(pitches, st.floats(0.0, 1.0), st.floats(-96.0, 0.0))


@given(stretches=st.lists(st.lists(hops, max_size=57), min_size=1, max_size=3))
def test_cues_agree_with_naive(stretches: list[list[tuple[float, float, float]]]) -> None:
    assert HOP_MS == 10
    voices, slow = VoiceRange(), naive.VoiceRange()
    for stretch in stretches:
        f0_hz, strength, level_db = np.array(stretch).reshape(-1, 3).T.copy()
        found = listen(PitchTrack(f0_hz, strength, level_db), voices)
        expected = naive.cues(stretch, slow, voices.median)
        if expected is None:
            assert found is None
        else:
            assert found == pytest.approx(expected, abs=1e-9)
        least, most = slow.medians()
        assert least <= voices.median <= most


@pytest.mark.parametrize(
    ("height", "rise", "least"),
    [(QUESTION_HEIGHT, QUESTION_RISE, 0.5), (QUESTION_HEIGHT, 2.9, 0.0), (0.2, QUESTION_RISE, 0.0)],
)
def test_a_question_is_both_high_and_steep(height: float, rise: float, least: float) -> None:
    finality = Cues(height=height, fade_db=0, firmness=0, pace_db=0, rise=rise).finality
    assert least <= finality < least + 0.2


def test_a_question_that_fades_is_as_final_as_it_sounds() -> None:
    cues = Cues(height=0.3, fade_db=-35, firmness=-0.2, pace_db=1, rise=4)
    assert QUESTION_FINALITY < cues._replace(rise=QUESTION_RISE).finality < cues.finality


def test_after_a_rise_a_voice_is_as_high_as_that_makes_it_and_no_higher() -> None:
    level = Cues(height=0.1, fade_db=-12, firmness=0, pace_db=2, rise=0)
    assert level._replace(rise=-2).finality < level.finality < level._replace(rise=2).finality
    assert level._replace(rise=40).finality == level._replace(rise=6).finality
    assert level._replace(rise=-40).finality == level._replace(rise=-6).finality


def test_breath_and_slowness_are_signs_of_an_end() -> None:
    cues = Cues(height=-0.2, fade_db=-10, firmness=0, pace_db=2, rise=0)
    assert cues._replace(firmness=-0.2).finality > cues.finality + 0.1
    assert cues._replace(pace_db=1).finality > cues.finality + 0.05


def test_a_range_is_learned_and_forgotten() -> None:
    voices = VoiceRange()
    voices.learn(np.full(100, 7.0))
    assert voices.median == pytest.approx(7.0, abs=0.05)
    voices.learn(np.full(90, 8.0))
    assert voices.median == pytest.approx(7.0, abs=0.05)
    for _ in range(20):
        voices.learn(np.full(100, 8.0))
    for _ in range(10):
        voices.learn(np.full(100, 7.5))
    assert voices.median == pytest.approx(7.5, abs=0.05)


def test_a_range_ends_where_pitch_does() -> None:
    voices = VoiceRange()
    voices.learn(np.full(10, np.log2(401.0)))
    assert voices.median == pytest.approx(np.log2(400), abs=0.1)
    voices.learn(np.full(500, np.log2(59.0)))
    assert voices.median == pytest.approx(np.log2(60), abs=0.1)
