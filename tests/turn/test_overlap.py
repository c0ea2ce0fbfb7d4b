from __future__ import annotations

import pytest

from mediasrv.turn.events import (
    BeginUtterance,
    CancelReply,
    ClearPlayout,
    CommitUtterance,
    HoldPlayout,
    PlayoutFinished,
    PlayoutStarted,
    RequestFinal,
    ResumePlayout,
    StartReply,
    SuspendPlayout,
    Transcribed,
)
from mediasrv.turn.state import State
from tests.turn.conversation import Conversation, final


@pytest.fixture
def call() -> Conversation:
    return Conversation()


# -- barge-in ----------------------------------------------------------------------------------------------------------


def test_a_barge_in_is_suspected_and_then_confirmed(call: Conversation) -> None:
    call.bot_answers()
    assert call.hear("." * 10 + "vv") == []
    assert call.hear("v") == [HoldPlayout(), BeginUtterance()]
    assert call.state() is State.SPEAKING
    assert call.hear("vv") == []
    assert call.hear("v") == [SuspendPlayout()]
    assert call.state() is State.SPEAKING
    call.tell(Transcribed("stop"))
    assert call.hear("v") == [ClearPlayout(), CancelReply(1)]
    assert call.state() is State.HEARING


def test_what_the_caller_breaks_in_with_is_the_next_turn(call: Conversation) -> None:
    call.bot_answers("good morning")
    call.hear("." * 50)
    call.hear("v" * 25 + "." * 4)
    call.tell(final("stop", 2))
    assert call.hear("." * 19) == [ClearPlayout(), CancelReply(1), StartReply(2, "stop")]


def test_a_reply_that_was_cut_is_not_finished_later(call: Conversation) -> None:
    call.bot_answers()
    call.caller_breaks_in()
    assert call.tell(PlayoutFinished()) == []
    assert call.state() is State.HEARING


def test_a_false_alarm_lets_us_go_on(call: Conversation) -> None:
    call.bot_answers()
    assert call.hear("vvv") == [HoldPlayout(), BeginUtterance()]
    assert call.hear("." * 14) == [RequestFinal(2)]
    call.tell(final("", 2))
    assert call.hear(".") == [ResumePlayout(), CommitUtterance()]
    assert call.state() is State.SPEAKING
    assert call.machine.deadline() is None
    assert call.bot_is_heard() == []
    assert call.state() is State.LISTENING


def test_after_a_false_alarm_the_caller_may_still_break_in(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv" + "." * 4)
    call.tell(final("", 2))
    call.hear("." * 16)
    assert call.hear("v" * 6) == [HoldPlayout(), BeginUtterance(), SuspendPlayout()]


def test_the_caller_may_break_into_what_is_no_reply(call: Conversation) -> None:
    call.bot_says()
    assert call.hear("v" * 6) == [HoldPlayout(), BeginUtterance(), SuspendPlayout()]


def test_a_reply_that_was_heard_is_not_cancelled(call: Conversation) -> None:
    call.bot_answers()
    call.bot_is_heard()
    assert call.hear("v" * 20) == [BeginUtterance()]


def test_voice_from_before_our_first_word_is_no_barge_in(call: Conversation) -> None:
    call.caller_says("yes")
    call.hear("vv")
    call.tell(PlayoutStarted())
    assert call.hear("vv") == []
    assert call.hear("v") == [HoldPlayout(), BeginUtterance()]


def test_a_second_utterance_of_ours_is_no_new_beginning(call: Conversation) -> None:
    call.bot_answers()
    assert call.hear("vv") == []
    assert call.tell(PlayoutStarted()) == []
    assert call.hear("v") == [HoldPlayout(), BeginUtterance()]


def test_a_second_utterance_of_ours_does_not_end_a_suspicion(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv")
    assert call.tell(PlayoutStarted()) == []
    call.hear("." * 4)
    call.tell(final("", 2))
    assert call.hear("." * 11) == [ResumePlayout(), CommitUtterance()]


def test_a_suspicion_that_outlasts_our_words_becomes_an_utterance(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv")
    assert call.bot_is_heard() == [ResumePlayout()]
    assert call.state() is State.HEARING
    assert call.hear("v" * 5 + "." * 4) == [RequestFinal(2)]
    call.tell(final("no", 2))
    assert call.hear("." * 19) == [StartReply(2, "no")]


def test_a_suspicion_that_outlasts_our_words_may_be_nothing(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv....")
    call.bot_is_heard()
    assert call.hear("." * 19) == [RequestFinal(3)]
    assert call.tell(final("", 3)) == [CommitUtterance()]
    assert call.state() is State.LISTENING


def test_after_a_suspicion_that_outlasted_our_words_nothing_is_held(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv")
    call.bot_is_heard()
    call.bot_says()
    assert call.hear("." * 50) == []


def test_a_transcript_within_a_suspicion_counts(call: Conversation) -> None:
    call.bot_answers()
    call.hear("." * 50)
    call.hear("vvvv")
    call.tell(Transcribed("stop"))
    call.hear("vv" + "." * 98)
    assert call.log[-1] == (call.now_ms, StartReply(2, "stop"))


def test_a_final_of_the_utterance_before_a_suspicion_is_not_its_own(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("yes"))
    call.hear("." * 98)
    call.tell(PlayoutStarted())
    call.hear("vvv")
    call.tell(final("yes", 1))
    call.bot_is_heard()
    assert call.hear("." * 4) == [RequestFinal(2)]


def test_who_goes_on_as_we_begin_to_answer_is_answered_as_a_whole(call: Conversation) -> None:
    call.bot_answers("I would like")
    assert call.caller_breaks_in("a pizza")[-1] == CancelReply(1)
    call.hear("v" * 10 + "." * 4)
    call.tell(final("a pizza", 2))
    assert call.hear("." * 60)[-1:] == [StartReply(1, "I would like a pizza")]
    assert call.tell(PlayoutStarted()) == [CommitUtterance()]
    assert call.machine.turn == 1


def test_who_breaks_in_later_begins_another_turn(call: Conversation) -> None:
    call.bot_answers("I would like a pizza")
    call.hear("." * 50)
    call.caller_breaks_in("a large one")
    call.hear("v" * 10 + "." * 4)
    call.tell(final("a large one", 2))
    assert call.hear("." * 60)[-1:] == [StartReply(2, "a large one")]


# -- what is no barge-in ----------------------------------------------------------------------------------------------


def test_after_a_backchannel_we_go_on(call: Conversation) -> None:
    call.bot_answers()
    assert call.hear("v" * 15 + "." * 4) == [HoldPlayout(), BeginUtterance(), SuspendPlayout(), RequestFinal(2)]
    call.tell(final("Mhm.", 2))
    assert call.hear("." * 11) == [ResumePlayout(), CommitUtterance()]
    assert call.state() is State.SPEAKING
    assert call.machine.turn == 1


def test_a_backchannel_that_goes_on_to_be_more_interrupts_us(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 15)
    call.tell(Transcribed("yes"))
    assert call.hear("." * 5 + "v" * 10) == [RequestFinal(2)]
    call.tell(Transcribed("yes but"))
    assert call.hear("v") == [ClearPlayout(), CancelReply(1)]


def test_a_sound_without_words_that_silenced_us_lets_us_go_on(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 15 + "." * 4)
    call.tell(final("", 2))
    assert call.hear("." * 11) == [ResumePlayout(), CommitUtterance()]


def test_nobody_talks_for_so_long_only_to_say_that_he_listens(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 59)
    assert call.state() is State.SPEAKING
    assert call.hear("v") == [ClearPlayout(), CancelReply(1)]


def test_words_that_come_when_we_have_gone_on_stop_us_after_all(call: Conversation) -> None:
    call.bot_answers()
    call.hear("." * 50)
    call.hear("v" * 15 + "." * 4)
    assert call.hear("." * 11) == [ResumePlayout()]
    assert call.tell(Transcribed("sto")) == []
    assert call.tell(final("stop", 2)) == [SuspendPlayout(), ClearPlayout(), CancelReply(1)]
    assert call.hear("." * 10) == [StartReply(2, "stop")]


def test_a_final_that_comes_when_we_have_gone_on_may_say_that_we_did_well(call: Conversation) -> None:
    call.bot_answers()
    call.hear("v" * 15 + "." * 15)
    assert call.tell(final("okay", 2)) == [CommitUtterance()]
    assert call.state() is State.SPEAKING


def test_words_that_come_when_we_must_not_be_interrupted_are_answered_afterwards(call: Conversation) -> None:
    call.bot_says()
    call.hear("v" * 5 + "." * 4)
    assert call.bot_says(interruptible=False) == [ResumePlayout()]
    assert call.tell(final("stop", 1)) == []
    call.bot_is_heard()
    assert call.hear(".") == [RequestFinal(2)]
    assert call.tell(final("stop", 2)) == []
    assert call.hear("." * 20) == [StartReply(1, "stop")]


def test_words_silence_us_before_the_voice_does(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvvv")
    call.tell(Transcribed("stop"))
    assert call.hear("v") == [SuspendPlayout()]
    assert call.hear("v") == [ClearPlayout(), CancelReply(1)]


def test_it_may_take_words_to_silence_us() -> None:
    call = Conversation(barge_in_words=2)
    call.bot_answers()
    assert call.hear("v" * 80) == [HoldPlayout(), BeginUtterance()]
    call.tell(Transcribed("stop"))
    assert call.hear("v") == []
    call.tell(Transcribed("stop it"))
    assert call.hear("vv") == [SuspendPlayout(), ClearPlayout(), CancelReply(1)]


def test_noises_in_quick_succession_do_not_keep_us_silent(call: Conversation) -> None:
    call.bot_answers()
    actions = call.hear("vvv....." * 6)
    assert actions.count(ResumePlayout()) == 1
    assert SuspendPlayout() not in actions


def test_voice_that_is_no_speech_does_not_stop_us(call: Conversation) -> None:
    call.bot_answers()
    assert call.hear("n" * 100) == []
    assert call.bot_is_heard() == []
    assert call.hear("n" * 100) == []
    assert call.hear("vvv") == [BeginUtterance()]


# -- what the caller may not break into --------------------------------------------------------------------------------


def test_a_caller_who_talks_over_an_uninterruptible_greeting_is_not_heard(call: Conversation) -> None:
    call.bot_says(interruptible=False)
    assert call.hear("v" * 50 + "." * 50) == []
    assert call.bot_is_heard() == []
    assert call.state() is State.LISTENING


def test_a_caller_who_still_talks_after_the_greeting_is_heard_at_once(call: Conversation) -> None:
    call.bot_says(interruptible=False)
    call.hear("v" * 50)
    call.bot_is_heard()
    assert call.hear("v") == [BeginUtterance()]


def test_after_an_uninterruptible_greeting_the_caller_may_break_in_again(call: Conversation) -> None:
    call.bot_says(interruptible=False)
    call.bot_is_heard()
    call.bot_says()
    assert call.hear("v" * 6) == [HoldPlayout(), BeginUtterance(), SuspendPlayout()]


def test_an_interruptible_word_after_an_uninterruptible_one_may_be_broken_into(call: Conversation) -> None:
    call.bot_says(interruptible=False)
    call.hear("v" * 5)
    call.bot_says()
    assert call.hear("vv") == [HoldPlayout(), BeginUtterance(), SuspendPlayout()]


def test_what_must_be_heard_ends_a_suspicion(call: Conversation) -> None:
    call.bot_says()
    call.hear("vvv")
    assert call.bot_says(interruptible=False) == [ResumePlayout(), CommitUtterance()]
    assert call.hear("v" * 20 + "." * 50) == []
    assert call.state() is State.SPEAKING
    assert call.bot_is_heard() == []


def test_what_must_be_heard_ends_nothing_when_nothing_is_suspected(call: Conversation) -> None:
    call.bot_says()
    assert call.bot_says(interruptible=False) == []


# -- we speak while the caller does ------------------------------------------------------------------------------------


def test_words_said_before_we_spoke_unasked_are_answered_after_it(call: Conversation) -> None:
    call.hear("v" * 25)
    assert call.bot_says() == []
    call.hear("." * 50)
    call.bot_is_heard()
    assert call.state() is State.HEARING
    assert call.hear(".") == [RequestFinal(1)]
    assert call.tell(final("what time is it", 1)) == [StartReply(1, "what time is it")]


def test_a_false_alarm_does_not_lose_the_words_said_before_we_spoke(call: Conversation) -> None:
    call.hear("v" * 25)
    call.bot_says()
    assert call.hear("vvv") == [HoldPlayout()]
    assert call.hear("." * 15) == [RequestFinal(1), ResumePlayout()]
    call.bot_is_heard()
    call.hear("." * 10)
    assert call.tell(final("what time is it", 2)) == [StartReply(1, "what time is it")]


def test_an_utterance_goes_on_through_what_we_say_unasked(call: Conversation) -> None:
    call.hear("v" * 25)
    call.bot_says()
    assert call.hear("v" * 7) == [HoldPlayout(), SuspendPlayout(), ClearPlayout()]
    assert call.hear("v" * 20 + "." * 4) == [RequestFinal(1)]


def test_words_that_wait_for_their_final_survive_what_we_say_unasked(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 30)
    assert call.state() is State.THINKING
    call.bot_says()
    assert call.tell(final("what time is it", 1)) == []
    assert call.wait(3000) == []
    call.bot_is_heard()
    assert call.hear(".") == [RequestFinal(2)]
    assert call.tell(final("what time is it", 2)) == [StartReply(1, "what time is it")]


def test_a_false_alarm_after_unasked_words_commits_only_what_it_began(call: Conversation) -> None:
    call.hear("v" * 25)
    call.bot_says()
    call.hear("vvv" + "." * 25)
    call.bot_is_heard()
    call.hear(".")
    call.tell(final("yes", 2))
    call.tell(PlayoutStarted())
    assert call.hear("vvv" + "." * 4) == [HoldPlayout(), BeginUtterance(), RequestFinal(3)]
    call.tell(final("", 3))
    assert call.hear("." * 11) == [ResumePlayout(), CommitUtterance()]
