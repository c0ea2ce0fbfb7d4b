from __future__ import annotations

import pytest

from mediasrv.turn import evidence as ground
from mediasrv.turn.evidence import Scale, Traits, evidence

VOWEL = Traits(
    level_db=-20.0,
    strength=0.96,
    f0_hz=120.0,
    movement=0.5,
    change_db=7.5,
    concentration=0.5,
    rise_db=3.0,
    rough_frames=0,
)
SCALES = [scale for scale in vars(ground).values() if isinstance(scale, Scale)]


def test_a_scale_steps_at_its_edges() -> None:
    scale = Scale((1.0, 2.0), (0.1, 0.2, 0.3))
    assert [scale.weigh(value) for value in (-9, 0.99, 1, 1.99, 2, 9)] == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]


@pytest.mark.parametrize("scale", SCALES, ids=lambda scale: str(scale.edges))
def test_every_scale_has_a_weight_on_each_side_of_each_edge(scale: Scale) -> None:
    assert len(scale.weights) == len(scale.edges) + 1
    assert list(scale.edges) == sorted(scale.edges)


def test_there_is_a_scale_for_each_trait_that_says_something() -> None:
    assert len(SCALES) == len(Traits._fields) - 1


def test_a_vowel_speaks_for_speech() -> None:
    assert evidence(VOWEL) > 2


@pytest.mark.parametrize(
    "unlike",
    [
        {"movement": 0.01},
        {"movement": 9.0},
        {"change_db": 0.5},
        {"concentration": 0.999},
        {"rough_frames": 9},
        {"f0_hz": 65.0},
    ],
    ids=str,
)
def test_what_tones_notes_and_coughs_have_speaks_against_it(unlike: dict[str, float]) -> None:
    assert evidence(VOWEL._replace(**unlike)) < evidence(VOWEL) - 1  # type: ignore[arg-type]


def test_what_is_aperiodic_never_speaks_for_speech() -> None:
    assert evidence(VOWEL._replace(strength=0.5)) == 0
    assert evidence(VOWEL._replace(strength=0.3, change_db=0.5)) < 0


def test_the_end_of_a_syllable_speaks_neither_way() -> None:
    assert evidence(VOWEL._replace(strength=0.2, rise_db=-16.0)) == 0
