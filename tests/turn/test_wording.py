from __future__ import annotations

from mediasrv.turn.events import RequestFinal, Transcribed
from mediasrv.turn.wording import Final, Wording


def asked(times: int = 1) -> Wording:
    wording = Wording()
    for _ in range(times):
        wording.ask()
    return wording


def test_requests_are_numbered_through_the_call() -> None:
    wording = Wording()
    assert wording.ask() == RequestFinal(1)
    wording.begin()
    assert wording.ask() == RequestFinal(2)


def test_each_answer_to_a_request_that_is_renewed_replaces_the_one_before() -> None:
    wording = asked(2)
    assert wording.renew() == RequestFinal(2)
    assert wording.receive(Transcribed("my number is", is_final=True, request=2))
    assert not wording.receive(Transcribed("my number is six", is_final=True, request=2))
    assert (wording.text, wording.final) == ("my number is six", Final.IN_HAND)


def test_the_final_that_was_asked_for_is_in_hand() -> None:
    wording = asked()
    assert wording.final is Final.ASKED
    assert wording.receive(Transcribed("yes", is_final=True, request=1))
    assert (wording.text, wording.final) == ("yes", Final.IN_HAND)


def test_an_interim_is_kept_and_the_final_still_awaited() -> None:
    wording = asked()
    assert not wording.receive(Transcribed("ye", request=1))
    assert (wording.text, wording.final) == ("ye", Final.ASKED)


def test_a_final_that_answers_no_request_is_not_the_one() -> None:
    wording = asked()
    assert not wording.receive(Transcribed("yes", is_final=True))
    assert (wording.text, wording.final) == ("yes", Final.ASKED)


def test_a_final_that_answers_an_older_request_is_not_the_one() -> None:
    wording = asked(2)
    assert not wording.receive(Transcribed("yes", is_final=True, request=1))
    assert wording.final is Final.ASKED
    assert wording.receive(Transcribed("yes please", is_final=True, request=2))


def test_a_final_is_stale_when_the_caller_has_gone_on() -> None:
    wording = asked()
    wording.go_on()
    assert not wording.receive(Transcribed("yes", is_final=True, request=1))
    assert (wording.text, wording.final) == ("yes", Final.STALE)


def test_a_final_comes_once() -> None:
    wording = asked()
    wording.receive(Transcribed("yes", is_final=True, request=1))
    assert not wording.receive(Transcribed("yes", is_final=True, request=1))
    assert wording.final is Final.IN_HAND


def test_a_new_utterance_has_no_words_and_no_final() -> None:
    wording = asked()
    wording.receive(Transcribed("yes", is_final=True, request=1))
    wording.begin()
    assert (wording.text, wording.final) == ("", Final.STALE)


def test_white_space_is_not_words() -> None:
    wording = asked()
    wording.receive(Transcribed(" \n", is_final=True, request=1))
    assert wording.text == ""


def test_the_recogniser_may_say_itself_that_there_is_no_more() -> None:
    wording = Wording()
    wording.receive(Transcribed("yes", is_final=True))
    wording.end()
    assert (wording.text, wording.final) == ("yes", Final.IN_HAND)


def test_what_was_asked_is_told_until_the_caller_says_more() -> None:
    wording = asked(2)
    assert wording.is_asked(2)
    assert not wording.is_asked(1)
    wording.receive(Transcribed("yes", is_final=True, request=2))
    assert wording.is_asked(2)
    wording.go_on()
    assert not wording.is_asked(2)


def test_a_recogniser_that_gives_interims_keeps_up() -> None:
    wording = Wording()
    wording.receive(Transcribed("yes", is_final=True))
    wording.receive(Transcribed(""))
    assert not wording.keeps_up
    wording.receive(Transcribed("ye"))
    assert wording.keeps_up
