from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, none, sampled_from

from mediasrv.turn.doubt import (
    BRIEF_NATS,
    BRIEF_WORDS,
    LENGTHY_NATS,
    LENGTHY_WORDS,
    MOST_DOUBT,
    MOST_TRUST,
    doubt,
    voice_nats,
)
from mediasrv.turn.language import Level

LEVELS = sampled_from(Level)
WORDS = integers(0, 30)
SHARES = floats(0, 1)
MANY = BRIEF_WORDS + 1


@given(LEVELS, WORDS)
def test_who_knows_nothing_of_the_voice_goes_by_the_words(level: Level, words: int) -> None:
    assert doubt(level, words, None, None) == level


@given(LEVELS, WORDS, SHARES | none())
def test_doubt_lies_on_the_scale_and_near_the_words(level: Level, words: int, finality: float | None) -> None:
    found = doubt(level, words, finality, None)
    assert 0 <= found <= max(level, MOST_DOUBT)
    assert found >= level - (MOST_TRUST if level > Level.UNSURE else 1)


@given(LEVELS, WORDS, SHARES, SHARES)
def test_the_more_it_sounds_like_an_end_the_less_there_is_to_doubt(
    level: Level, words: int, one: float, other: float
) -> None:
    lower, higher = sorted((one, other))
    assert doubt(level, words, higher, None) <= doubt(level, words, lower, None)
    assert doubt(level, words, None, higher) <= doubt(level, words, None, lower)


def test_few_words_are_seldom_all() -> None:
    assert voice_nats(BRIEF_WORDS, 0.5) - voice_nats(MANY, 0.5) == pytest.approx(BRIEF_NATS)
    assert doubt(Level.COMPLETE, 1, 0.4, None) > doubt(Level.COMPLETE, MANY, 0.4, None)


def test_many_words_are_more_often_all() -> None:
    assert voice_nats(MANY, 0.5) - voice_nats(LENGTHY_WORDS, 0.5) == pytest.approx(LENGTHY_NATS)
    assert doubt(Level.COMPLETE, LENGTHY_WORDS, 0.3, None) < doubt(Level.COMPLETE, LENGTHY_WORDS - 1, 0.3, None)


def test_a_voice_that_is_quite_sure_needs_no_words() -> None:
    assert doubt(Level.COMPLETE, 1, 0.8, None) == 0
    assert doubt(Level.UNSURE, MANY, 0.9, None) == 0


def test_unsure_words_and_a_voice_that_stays_up_add_up() -> None:
    assert doubt(Level.COMPLETE, MANY, 0.25, None) < doubt(Level.UNSURE, MANY, None, None)
    assert doubt(Level.UNSURE, MANY, 0.3, None) > Level.UNSURE


def test_a_detector_moves_it_by_a_level() -> None:
    assert doubt(Level.COMPLETE, MANY, None, 0.0) == doubt(Level.UNSURE, MANY, None, 0.5) == 1
    assert doubt(Level.UNSURE, MANY, None, 1.0) == 0
    assert doubt(Level.INCOMPLETE, MANY, 0.0, 1.0) == Level.UNSURE
    assert doubt(Level.COMPLETE, MANY, 0.0, 0.0) == Level.INCOMPLETE
