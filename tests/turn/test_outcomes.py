from __future__ import annotations

from dataclasses import asdict

import pytest

from mediasrv.turn.events import PlayoutFinished, Transcribed
from mediasrv.turn.outcomes import Outcomes
from tests.turn.conversation import Conversation, final


@pytest.fixture
def call() -> Conversation:
    return Conversation()


def counted(call: Conversation) -> dict[str, int]:
    """What was counted at all."""
    return {name: count for name, count in asdict(call.machine.outcomes).items() if count}


def test_nothing_is_counted_in_silence(call: Conversation) -> None:
    call.hear("." * 200)
    assert call.machine.outcomes == Outcomes()


def test_an_utterance_is_counted_once_however_often_it_pauses(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 15 + "v" * 25)
    call.caller_says("hello")
    assert counted(call) == {"utterances": 1}


def test_a_noise_that_was_taken_for_a_voice_is_wordless(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 4)
    call.tell(final("", 1))
    call.hear("." * 19)
    assert counted(call) == {"utterances": 1, "wordless": 1}


def test_a_final_that_does_not_come_is_late(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 30)
    call.wait(5000)
    assert counted(call) == {"utterances": 1, "late_finals": 1}


def test_an_end_that_the_recogniser_saw_itself_is_no_late_final(call: Conversation) -> None:
    call.bot_answers()
    assert counted(call) == {"utterances": 1}


def test_a_barge_in_is_a_suspicion_that_came_true(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 6)
    call.tell(Transcribed("stop"))
    call.hear("v")
    assert counted(call) == {"utterances": 1, "suspicions": 1, "barge_ins": 1}


def test_a_cough_over_the_bot_is_a_noise(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv" + "." * 4)
    call.tell(final("", 2))
    call.hear("." * 20)
    assert counted(call) == {"utterances": 1, "suspicions": 1, "noises": 1}


def test_who_says_that_he_listens_gives_a_backchannel(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 8 + "." * 4)
    call.tell(final("mhm", 2))
    call.hear("." * 20)
    assert counted(call) == {"utterances": 1, "suspicions": 1, "backchannels": 1}


def test_what_is_known_only_when_the_bot_has_gone_on_is_counted_then(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 4 + "." * 16)
    assert counted(call) == {"utterances": 1, "suspicions": 1}
    call.tell(final("mhm", 2))
    assert counted(call) == {"utterances": 1, "suspicions": 1, "backchannels": 1}


def test_who_turns_out_to_have_wanted_the_floor_has_broken_in(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 4 + "." * 16)
    call.tell(final("stop please", 2))
    assert counted(call) == {"utterances": 1, "suspicions": 1, "barge_ins": 1}


def test_a_suspicion_that_outlasts_the_bot_is_an_utterance_like_any_other(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv")
    call.tell(PlayoutFinished())
    assert counted(call) == {"utterances": 1, "suspicions": 1}
