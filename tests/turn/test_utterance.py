from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediasrv.turn.utterance import Heard, Phrase, Utterance
from tests import naive

words = st.lists(st.text("abc,.", min_size=1, max_size=6), min_size=1, max_size=8).map(" ".join)


@pytest.mark.parametrize(
    ("ear", "heard"),
    [
        (900, ""),
        (1000, ""),
        (1001, ""),
        (1049, ""),
        (1050, "Hello"),
        (1089, "Hello"),
        (1090, "Hello you"),
        (1149, "Hello you"),
        (1150, "Hello you there"),
        (2000, "Hello you there"),
    ],
)
def test_a_word_is_heard_when_its_last_letter_was(ear: int, heard: str) -> None:
    assert Phrase("Hello you there", 1000, 1150).text_until(ear) == heard


def test_no_white_space_follows_the_last_word_heard() -> None:
    assert Phrase("Hello   you", 0, 110).text_until(79) == "Hello"


def test_a_phrase_whose_audio_has_not_come_is_not_heard() -> None:
    assert Phrase("Hello", 1000, 1000).text_until(1000) == ""


def test_words_without_audio_of_their_own_are_heard_with_what_follows() -> None:
    assert Phrase("Hello", 1000, 1000).text_until(1001) == "Hello"


def test_a_script_without_spaces_is_heard_whole_or_not_at_all() -> None:
    phrase = Phrase("你好世界", 0, 400)
    assert phrase.text_until(399) == ""
    assert phrase.text_until(400) == "你好世界"


@given(text=words, start=st.integers(0, 1000), samples=st.integers(1, 1000), ahead=st.integers(-100, 1100))
def test_text_until_agrees_with_naive(text: str, start: int, samples: int, ahead: int) -> None:
    phrase = Phrase(text, start, start + samples)
    assert phrase.text_until(start + ahead) == naive.words_heard(text, samples, ahead)


@given(text=words, samples=st.integers(1, 300))
def test_words_once_heard_stay_heard(text: str, samples: int) -> None:
    phrase = Phrase(text, 0, samples)
    heard = [phrase.text_until(ear) for ear in range(samples + 1)]
    assert all(later.startswith(earlier) for earlier, later in pairwise(heard))
    assert heard[-1] == text


@pytest.mark.parametrize(
    ("position", "begin"),
    [(1001, 1000), (1049, 1000), (1050, 1050), (1059, 1059), (1060, 1060), (1089, 1060), (1100, 1100), (1149, 1100)],
)
def test_a_word_begins_with_its_first_letter(position: int, begin: int) -> None:
    assert Phrase("Hello you there", 1000, 1150).word_start(position) == begin


@given(text=words, start=st.integers(0, 1000), samples=st.integers(2, 1000), data=st.data())
def test_word_start_agrees_with_naive(text: str, start: int, samples: int, data: st.DataObject) -> None:
    phrase = Phrase(text, start, start + samples)
    ahead = data.draw(st.integers(0, samples - 1))
    assert phrase.word_start(start + ahead) == start + naive.word_begin(text, samples, ahead)


@given(text=words, samples=st.integers(60, 3000), data=st.data())
def test_what_was_heard_ends_before_the_word_that_is_said_again(text: str, samples: int, data: st.DataObject) -> None:
    phrase = Phrase(text, 0, samples)
    ear = data.draw(st.integers(1, samples - 1))
    assert phrase.text_until(phrase.word_start(ear)) == phrase.text_until(ear)


def said(closed: bool) -> Utterance:
    phrases = [Phrase("Good morning.", 100, 200), Phrase("How are you?", 200, 300)]
    return Utterance(7, 100, 300, phrases, closed)


def test_an_utterance_is_heard_phrase_by_phrase() -> None:
    assert said(closed=True).heard(100) == Heard(7, "", False)
    assert said(closed=True).heard(200) == Heard(7, "Good morning.", False)
    assert said(closed=True).heard(250) == Heard(7, "Good morning. How", False)
    assert said(closed=True).heard(300) == Heard(7, "Good morning. How are you?", True)


def test_an_utterance_that_may_go_on_is_not_complete() -> None:
    assert said(closed=False).heard(300) == Heard(7, "Good morning. How are you?", False)


def test_audio_without_words_is_complete_only_at_its_end() -> None:
    tune = Utterance(1, 0, 800, closed=True)
    assert tune.heard(799) == Heard(1, "", False)
    assert tune.heard(800) == Heard(1, "", True)


def test_nothing_to_say_is_complete_at_once() -> None:
    assert Utterance(1, 50, 50, closed=True).heard(50) == Heard(1, "", True)


def test_words_begin_in_their_phrase() -> None:
    utterance = said(closed=True)
    assert utterance.word_start(160) == 100 + 100 * 5 // 13
    assert utterance.word_start(290) == 200 + 100 * 8 // 12
    assert [utterance.word_start(position) for position in (90, 100, 200, 300, 400)] == [90, 100, 200, 300, 400]


def test_phrases_part_where_one_ends_and_another_begins() -> None:
    assert [position for position in range(90, 320) if said(closed=True).parts_at(position)] == [200]
