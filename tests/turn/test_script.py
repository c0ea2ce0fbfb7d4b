from __future__ import annotations

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.errors import LocalProtocolError
from mediasrv.turn.marks import Marks
from mediasrv.turn.script import Script
from mediasrv.turn.utterance import Heard


def script(*utterances: str) -> Script:
    """Utterances of 800 samples a word, each a phrase of its own, all closed."""
    made = Script(MULAW_8K, Marks(MULAW_8K))
    for text in utterances:
        number = made.open()
        for word in text.split():
            made.queue(number, bytes(800), word)
        made.close(number)
    return made


def test_an_utterance_within_another_is_our_error() -> None:
    made = script("One.")
    made.open()
    with pytest.raises(LocalProtocolError):
        made.open()


def test_an_utterance_without_audio_is_settled_when_it_is_closed() -> None:
    made = script("One.")
    assert made.close(made.open()) == [Heard(2, "", True)]
    assert [each.number for each in made.utterances] == [1]


def test_what_comes_for_an_utterance_that_is_not_open_is_ignored() -> None:
    made = Script(MULAW_8K, Marks(MULAW_8K))
    made.queue(1, bytes(800), "Nobody")
    assert made.close(1) == []
    made = script("One.")
    made.queue(1, bytes(800), "Too late.")
    assert not made.has_audio(1)
    assert made.track.end == 800


def test_positions_lead_to_utterances() -> None:
    made = script("One two.", "Three.")
    for position, beginning, within in (
        (0, 1, None),
        (800, None, 1),
        (1600, 2, None),
        (2000, None, 2),
        (2400, None, None),
    ):
        found = made.beginning(position), made.within(position)
        assert [each.number if each else None for each in found] == [beginning, within]


def test_words_begin_where_their_phrases_do() -> None:
    made = script("One two.", "Three.")
    assert [made.word_start(at) for at in (0, 799, 800, 801, 1600, 2399, 2400)] == [0, 0, 800, 800, 1600, 1600, 2400]


def test_a_word_whose_beginning_is_forgotten_is_not_begun_again() -> None:
    made = Script(MULAW_8K, Marks(MULAW_8K))
    made.queue(made.open(), bytes(40_000), "Hmmm")
    made.track.forget(20_000)
    assert made.word_start(20_000) == 20_000


def test_a_cleared_script_begins_anew() -> None:
    made = script("One two.")
    made.clear(900)
    assert not made.utterances
    made.queue(made.open(), bytes(800), "More.")
    assert (made.utterances[0].start, made.utterances[0].end) == (900, 1700)
