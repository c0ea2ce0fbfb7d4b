from __future__ import annotations

import pytest

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import EndRated, RequestFinal, Transcribed
from mediasrv.turn.finals import LIKELY, PROMPT_MS, RENEWED_MS, UNWRITTEN_MS, Finals
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.wording import Wording
from tests.turn.conversation import final

UNRATED = EndRated()
SOON_MS, LATE_MS = PROMPT_MS - PTIME_MS, PROMPT_MS


class Recogniser:
    """What is known of one in a call whose first utterance is under way."""

    def __init__(self, *, renews: bool = False) -> None:
        self.wording = Wording()
        self.finals = Finals(TurnOptions(final_request_ms=80), self.wording, renews=renews)

    def is_asked(self, pause_ms: int = 80) -> int:
        (action,) = self.finals.ask(pause_ms, UNRATED)
        assert isinstance(action, RequestFinal)
        return action.request

    def answers(self, text: str, pause_ms: int) -> None:
        assert self.finals.receive(final(text, self.is_asked()), pause_ms)

    def writes(self, text: str) -> None:
        assert not self.finals.receive(Transcribed(text), 0)

    def hears_voice(self, duration_ms: int) -> None:
        for _ in range(duration_ms // PTIME_MS):
            self.wording.go_on()
            self.finals.hear_voice()


@pytest.fixture
def prompt() -> Recogniser:
    """One that has given a final soon, and writes while the caller speaks on."""
    recogniser = Recogniser()
    recogniser.answers("what time", SOON_MS)
    recogniser.hears_voice(400)
    recogniser.writes("what time is")
    return recogniser


def test_a_final_is_asked_for_when_the_pause_is_long_enough() -> None:
    finals = Recogniser().finals
    assert not finals.ask(60, UNRATED)
    assert finals.ask(80, UNRATED) == [RequestFinal(1)]
    assert not finals.ask(100, UNRATED)


def test_behind_a_voice_that_sounds_like_an_end_it_is_asked_for_in_half_the_time() -> None:
    assert not Recogniser().finals.ask(40, EndRated(finality=LIKELY - 0.1))
    assert Recogniser().finals.ask(40, EndRated(finality=LIKELY)) == [RequestFinal(1)]


def test_it_is_asked_for_again_where_that_costs_nothing() -> None:
    finals = Recogniser(renews=True).finals
    asked_ms = [pause_ms for pause_ms in range(PTIME_MS, 500, PTIME_MS) if finals.ask(pause_ms, UNRATED)]
    assert asked_ms == [80, *(80 + renewed_ms for renewed_ms in RENEWED_MS)]


def test_over_our_own_speech_it_is_asked_for_once() -> None:
    finals = Recogniser(renews=True).finals
    assert [len(finals.ask_once(pause_ms)) for pause_ms in (60, 80, 400)] == [0, 1, 0]


def test_of_a_recogniser_that_nobody_knows_nothing_is_expected() -> None:
    recogniser = Recogniser()
    recogniser.writes("what time")
    recogniser.is_asked()
    assert not recogniser.finals.are_coming(80)


def test_a_final_is_expected_for_as_long_as_those_before_it_may_have_taken(prompt: Recogniser) -> None:
    prompt.is_asked()
    assert prompt.finals.are_coming(SOON_MS)
    assert not prompt.finals.are_coming(LATE_MS)


def test_with_the_final_in_hand_no_more_is_expected(prompt: Recogniser) -> None:
    prompt.answers("what time is it", 140)
    assert not prompt.finals.are_coming(140)


def test_a_final_without_what_was_said_last_is_to_be_followed_by_more(prompt: Recogniser) -> None:
    prompt.hears_voice(UNWRITTEN_MS)
    prompt.answers("What time is?", 140)
    assert prompt.finals.are_coming(140)
    assert not prompt.finals.are_coming(LATE_MS)
    assert not prompt.finals.receive(final("What time is it?", 2), 180)
    assert not prompt.finals.are_coming(180)


def test_a_voice_that_trails_off_has_said_no_other_word(prompt: Recogniser) -> None:
    prompt.hears_voice(UNWRITTEN_MS - PTIME_MS)
    prompt.answers("what time is", 140)
    assert not prompt.finals.are_coming(140)


def test_the_next_utterance_is_not_that_of_before(prompt: Recogniser) -> None:
    prompt.hears_voice(UNWRITTEN_MS)
    prompt.wording.begin()
    prompt.finals.begin()
    prompt.answers("", 140)
    assert not prompt.finals.are_coming(140)


def test_who_is_late_once_is_not_waited_for_until_he_is_soon_again(prompt: Recogniser) -> None:
    prompt.answers("what time is it", LATE_MS)
    prompt.hears_voice(400)
    assert not prompt.finals.are_coming(PTIME_MS)
    prompt.answers("what time is it now", SOON_MS)
    prompt.hears_voice(400)
    assert prompt.finals.are_coming(PTIME_MS)


def test_who_gives_no_final_at_all_is_not_waited_for_again(prompt: Recogniser) -> None:
    prompt.is_asked()
    prompt.finals.go_without()
    assert not prompt.finals.are_coming(PTIME_MS)


def test_a_turn_that_is_answered_on_its_final_says_nothing_against_it(prompt: Recogniser) -> None:
    prompt.answers("what time is it", SOON_MS)
    prompt.finals.go_without()
    prompt.hears_voice(400)
    assert prompt.finals.are_coming(PTIME_MS)


def test_a_final_of_what_came_over_our_speech_says_nothing_of_pauses() -> None:
    recogniser = Recogniser()
    recogniser.answers("stop", 0)
    recogniser.hears_voice(400)
    assert not recogniser.finals.are_coming(PTIME_MS)
