from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import text

from mediasrv.call.phrasebook import language_of
from mediasrv.turn.language import NO_LANGUAGE
from mediasrv.turn.sameness import is_backchannel, same_meaning

EN, HI = language_of("en"), language_of("hi")


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("", "um"),
        ("yes please", "Yes, please."),
        ("um i want uh the red one", "I want the red one"),
        ("go forward ten metres", "Go forward 10 metres."),
        ("twenty one", "21"),
        ("four five seven", "457"),
        ("nine eight seven six five four", "98765 4"),
        ("at ten thirty", "at 10:30"),
        ("the wi-fi", "the WiFi"),
        ("क्या हुआ", "क्या हुआ?"),
        ("मैं हूँ", "मैं हूं।"),
    ],
)
def test_what_a_recogniser_changes_as_it_goes_does_not_matter(a: str, b: str) -> None:
    assert same_meaning(a, b)
    assert same_meaning(b, a)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("I want it", "I don't want it"),
        ("I can", "I can't"),
        ("yes", "yes please"),
        ("book a table", "book a table for two"),
        ("fifteen", "fifty"),
        ("3.5", "35"),
        ("1/2", "12"),
        ("-5", "5"),
        ("£5", "$5"),
        ("ten five", "105"),
        ("twenty ten", "30"),
        ("twenty zero", "20"),
        ("नहीं", "हां"),
        ("", "no"),
    ],
)
def test_every_word_that_is_not_a_filler_matters(a: str, b: str) -> None:
    assert not same_meaning(a, b)
    assert not same_meaning(b, a)


@given(text(), text())
def test_sameness_is_mutual_and_a_text_means_what_it_means(a: str, b: str) -> None:
    assert same_meaning(a, b) == same_meaning(b, a)
    assert same_meaning(a, f" {a} ")


@pytest.mark.parametrize(
    "said", ["Mhm.", "yes", "Okay", "right, go on", "uh-huh", "I see", "ok ok ok", "Yeah. That's right."]
)
def test_a_backchannel_shows_that_one_listens(said: str) -> None:
    assert is_backchannel(said, EN)


@pytest.mark.parametrize("said", ["haan", "Haan ji", "accha accha", "theek hai", "हाँ", "हां जी", "अच्छा", "okay", "hmm"])
def test_a_backchannel_may_be_in_either_script(said: str) -> None:
    assert is_backchannel(said, HI)


@pytest.mark.parametrize("said", ["", "...", "yes but", "yes please stop", "no", "okay okay okay okay", "i see it"])
def test_what_says_something_is_no_backchannel(said: str) -> None:
    assert not is_backchannel(said, EN)


def test_a_hum_is_a_backchannel_in_any_language() -> None:
    assert is_backchannel("Hmm", NO_LANGUAGE)
    assert not is_backchannel("oui", NO_LANGUAGE)


@given(text())
def test_any_text_may_be_asked_about(said: str) -> None:
    assert is_backchannel(said, EN) in (True, False)
