from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import (
    Action,
    AskToRepeat,
    BeginUtterance,
    CancelReply,
    ClearPlayout,
    CommitUtterance,
    DropReply,
    EndHinted,
    EndRated,
    Event,
    GiveUp,
    Greet,
    HoldPlayout,
    KeyPressed,
    Opinion,
    PlayoutFinished,
    PlayoutStarted,
    PrepareReply,
    PromptCaller,
    ReplyFailed,
    ReplySpent,
    RequestFinal,
    ResumePlayout,
    StartReply,
    SuspendPlayout,
    Transcribed,
)
from mediasrv.turn.finals import PROMPT_MS
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.saying import BREATH_MS
from mediasrv.turn.speculation import MARGIN_MS
from mediasrv.turn.state import State
from tests.turn.conversation import START_S, Conversation, final


@pytest.fixture
def call() -> Conversation:
    return Conversation()


@pytest.fixture
def hasty() -> Conversation:
    return Conversation(speculation=True)


# -- a turn ------------------------------------------------------------------------------------------------------------


def test_a_call_begins_with_nobody_speaking(call: Conversation) -> None:
    assert call.state() is State.LISTENING
    assert call.machine.turn == 0
    assert call.hear("." * 100) == []


def test_60_ms_of_voice_begin_an_utterance(call: Conversation) -> None:
    assert call.hear("...vv") == []
    assert call.hear("v") == [BeginUtterance()]
    assert call.state() is State.HEARING


def test_a_silent_callers_frames_may_wait_until_his_voice_could_mean_anything(call: Conversation) -> None:
    machine = call.machine
    call.hear("." * 5)
    assert machine.patience == 3
    call.hear("v")
    assert machine.patience == 1
    call.hear("...")
    assert machine.patience == 3
    call.hear("v" * 20)
    assert machine.patience == 2
    call.hear("." * 6)
    assert machine.patience == 1
    call.tell(final("what time is it", 1))
    call.hear("." * 20)
    assert (machine.state, machine.patience) == (State.THINKING, 3)
    call.tell(PlayoutStarted())
    call.hear("vvv")
    assert call.ordered() == []
    call.hear("...")
    assert machine.patience == 1, "a suspicion is not over"
    call.hear("." * 20)
    assert machine.patience == 3


def test_who_is_to_be_heard_at_once_never_waits() -> None:
    assert Conversation(onset_ms=20).machine.patience == 1
    assert Conversation(thinking_onset_ms=10).machine.patience <= 1
    assert Conversation(suspicion_ms=40).machine.patience == 2


def test_a_turn_from_the_first_word_to_the_last(call: Conversation) -> None:
    call.hear("v" * 50 + "." * 4)
    call.tell(final("what time is it", 1))
    call.hear("." * 30)
    call.tell(PlayoutStarted())
    call.wait(2000)
    call.tell(PlayoutFinished())
    assert call.log == [
        (60, BeginUtterance()),
        (1080, RequestFinal(1)),
        (1460, StartReply(1, "what time is it")),
        (1680, CommitUtterance()),
    ]
    assert call.state() is State.LISTENING


def test_the_next_turn_has_the_next_number(call: Conversation) -> None:
    call.bot_answers("good morning")
    call.bot_is_heard()
    assert call.caller_says("how are you") == [StartReply(2, "how are you")]
    assert call.machine.turn == 2


def test_the_patience_is_what_the_operator_set() -> None:
    call = Conversation(onset_ms=100, final_request_ms=200, endpoint_ms=1000)
    call.hear("v" * 10 + "." * 10)
    call.tell(final("yes", 1))
    call.hear("." * 40)
    assert call.log == [(100, BeginUtterance()), (400, RequestFinal(1)), (1200, StartReply(1, "yes"))]


def test_the_time_of_the_endpoint_is_known(call: Conversation) -> None:
    assert call.machine.endpoint_s == 0
    call.hear("v" * 50 + "." * 40)
    assert call.machine.endpoint_s == pytest.approx(START_S + 1.46)


# -- what is no utterance ----------------------------------------------------------------------------------------------


def test_a_noise_blip_begins_nothing(call: Conversation) -> None:
    assert call.hear("v..." * 10 + "vv....") == []
    assert call.state() is State.LISTENING


def test_a_noise_without_words_is_committed_and_not_answered(call: Conversation) -> None:
    assert call.hear("v" * 5 + "." * 23) == [BeginUtterance(), RequestFinal(1)]
    assert call.tell(final("", 1)) == [CommitUtterance()]
    assert call.state() is State.LISTENING
    assert call.machine.turn == 0


def test_an_empty_final_before_the_endpoint_is_not_answered_either(call: Conversation) -> None:
    call.hear("v" * 5 + "." * 4)
    assert call.tell(final(" ", 1)) == []
    assert call.hear("." * 19) == [CommitUtterance()]
    assert call.state() is State.LISTENING


def test_a_final_without_words_overrides_the_words_of_an_interim(call: Conversation) -> None:
    call.hear("v" * 5 + ".")
    call.tell(Transcribed("hm"))
    call.hear("." * 3)
    call.tell(final("", 1))
    assert call.hear("." * 19) == [CommitUtterance()]


# -- the caller pauses -------------------------------------------------------------------------------------------------


def test_a_pause_shorter_than_the_endpoint_does_not_end_the_turn(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 22)
    assert call.state() is State.HEARING
    call.hear("v" * 25)
    assert call.state() is State.HEARING


def test_isolated_voiced_frames_do_not_postpone_the_endpoint(call: Conversation) -> None:
    call.hear("v" * 25 + "....")
    call.tell(final("yes", 1))
    assert call.hear("....v....v...v.....") == [StartReply(1, "yes")]


def test_words_after_a_pause_ask_for_another_final(call: Conversation) -> None:
    assert call.hear("v" * 25 + "." * 4) == [BeginUtterance(), RequestFinal(1)]
    call.tell(final("yes", 1))
    assert call.hear("." * 10 + "vv" + "...") == []
    assert call.hear(".") == [RequestFinal(2)]
    call.tell(final("yes please", 2))
    assert call.hear("." * 19) == [StartReply(1, "yes please")]


def test_a_short_pause_does_not_ask_for_a_final(call: Conversation) -> None:
    assert call.hear("v" * 10 + ".." + "v" * 10 + "...") == [BeginUtterance()]


def test_voice_that_is_no_speech_may_be_the_end_of_a_word(call: Conversation) -> None:
    call.hear("v" * 20)
    assert call.hear("n" * 20 + "...") == []
    assert call.hear(".") == [RequestFinal(1)]


# -- finals ------------------------------------------------------------------------------------------------------------


def test_a_late_final_is_answered_when_it_comes(call: Conversation) -> None:
    assert call.hear("v" * 25 + "." * 40) == [BeginUtterance(), RequestFinal(1)]
    assert call.state() is State.THINKING
    assert call.tell(final("yes", 1)) == [StartReply(1, "yes")]


def test_a_missing_final_is_replaced_by_the_last_interim(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("what"))
    call.tell(Transcribed("what time"))
    call.hear("." * 98)
    assert call.at(StartReply(1, "what time")) == 500 + 460 + 1500


def test_a_final_that_comes_after_we_gave_it_up_is_not_answered_twice(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("what time"))
    call.hear("." * 98)
    assert call.tell(final("what time is it", 1)) == []
    assert call.hear("." * 20) == []


def test_a_final_that_comes_too_late_still_counts_when_the_caller_goes_on(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("what time"))
    call.hear("." * 98)
    call.tell(final("what time is it", 1))
    call.hear("vvv" + "." * 98)
    assert call.log[-1] == (call.now_ms, StartReply(1, "what time is it"))


def test_a_stale_final_is_not_enough(call: Conversation) -> None:
    call.hear("v" * 25 + "....vv")
    assert call.tell(final("yes", 1)) == []
    assert call.hear("." * 23) == [RequestFinal(2)]
    assert call.state() is State.THINKING
    assert call.tell(final("yes please", 2)) == [StartReply(1, "yes please")]


def test_a_final_that_answers_an_older_request_is_not_enough(call: Conversation) -> None:
    call.hear("v" * 25 + "....vv....")
    assert call.tell(final("yes", 1)) == []
    assert call.hear("." * 19) == []
    assert call.state() is State.THINKING
    assert call.tell(final("yes", 1)) == []
    assert call.tell(final("yes please", 2)) == [StartReply(1, "yes please")]


def test_a_final_that_nobody_asked_for_is_a_better_interim(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 30)
    assert call.tell(Transcribed("yes", is_final=True)) == []
    assert call.hear("." * 68) == [StartReply(1, "yes")]


def test_a_final_may_be_waited_for_not_at_all() -> None:
    call = Conversation(final_wait_ms=0)
    call.hear("v" * 25)
    call.tell(Transcribed("yes"))
    call.hear("." * 24)
    assert call.at(StartReply(1, "yes")) == 500 + 460


def test_transcripts_outside_an_utterance_are_ignored(call: Conversation) -> None:
    assert call.tell(final("too late", 0)) == []
    call.hear("v" * 5 + "." * 120)
    assert call.state() is State.LISTENING


def test_the_words_of_one_utterance_are_not_those_of_the_next(call: Conversation) -> None:
    call.bot_answers("good morning")
    call.bot_is_heard()
    call.hear("v" * 5 + "." * 97)
    assert call.hear(".") == [CommitUtterance(), AskToRepeat()]


def test_a_caller_who_was_not_understood_is_asked_to_say_it_again(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 100)
    assert call.log[-2:] == [(500 + 460 + 1500, CommitUtterance()), (500 + 460 + 1500, AskToRepeat())]
    assert call.state() is State.LISTENING


def test_a_noise_in_which_there_were_no_words_is_not(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 10)
    call.tell(final("", 1))
    assert call.hear("." * 100) == [CommitUtterance()]


# -- the caller goes on before we have said anything -------------------------------------------------------------------


def test_a_reply_begun_too_early_is_replaced_by_one_to_the_whole_utterance(call: Conversation) -> None:
    call.caller_says("I would like")
    assert call.hear("." * 5 + "v" * 3) == [CancelReply(1)]
    assert call.state() is State.HEARING
    assert call.hear("v" * 20 + "." * 4) == [RequestFinal(2)]
    call.tell(final("I would like a pizza", 2))
    assert call.hear("." * 32)[-1:] == [StartReply(1, "I would like a pizza")]
    assert call.tell(PlayoutStarted()) == [CommitUtterance()]


def test_a_caller_who_goes_on_before_we_know_his_words_cancels_nothing(call: Conversation) -> None:
    call.hear("v" * 25 + "." * 30)
    assert call.state() is State.THINKING
    assert call.hear("vvv") == []
    assert call.state() is State.HEARING
    assert call.tell(final("I would like", 1)) == []
    assert call.hear("." * 23) == [RequestFinal(2)]


def test_the_wait_for_a_final_ends_when_the_caller_goes_on(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("I would"))
    call.hear("." * 30)
    assert call.hear("v" * 150) == []
    assert call.state() is State.HEARING


def test_a_noise_while_we_think_costs_no_words(call: Conversation) -> None:
    call.caller_says("yes")
    assert call.hear("vvv" + "." * 4) == [CancelReply(1), RequestFinal(2)]
    call.tell(final("yes", 2))
    assert call.hear("." * 19) == [StartReply(1, "yes")]


def test_a_blip_while_we_think_is_nothing(call: Conversation) -> None:
    call.caller_says("yes")
    assert call.hear("vv......v...") == []
    assert call.state() is State.THINKING


# -- replies that fail -------------------------------------------------------------------------------------------------


def test_when_a_reply_fails_we_listen_again(call: Conversation) -> None:
    call.caller_says("yes")
    assert call.tell(ReplyFailed(1)) == [CommitUtterance()]
    assert call.state() is State.LISTENING
    assert call.caller_says("hello") == [StartReply(2, "hello")]


def test_after_a_reply_that_failed_the_caller_is_not_left_alone(call: Conversation) -> None:
    call.caller_says("yes")
    call.tell(ReplyFailed(1))
    assert call.wait(8000) == [PromptCaller()]


def test_the_failure_of_an_older_reply_is_no_failure(call: Conversation) -> None:
    call.bot_answers("yes")
    call.bot_is_heard()
    call.caller_says("no")
    assert call.tell(ReplyFailed(1)) == []
    assert call.state() is State.THINKING


def test_the_failure_of_a_reply_that_was_cancelled_costs_no_words(call: Conversation) -> None:
    call.caller_says("I would like")
    call.hear("v" * 20 + "." * 30)
    assert call.state() is State.THINKING
    assert call.tell(ReplyFailed(1)) == []
    assert call.tell(final("I would like a pizza", 2)) == [StartReply(1, "I would like a pizza")]


def test_a_reply_that_fails_while_we_say_something_else_does_not_end_it(call: Conversation) -> None:
    call.bot_answers()
    assert call.tell(ReplyFailed(1)) == []
    assert call.state() is State.SPEAKING


# -- a reply is prepared -----------------------------------------------------------------------------------------------


def test_a_reply_is_prepared_in_the_pause_and_started_at_the_endpoint(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("What time"))
    assert hasty.hear("." * 4) == [PrepareReply(1, "What time"), RequestFinal(1)]
    assert hasty.tell(final("What time is it?", 1)) == [DropReply(), PrepareReply(1, "What time is it?")]
    assert hasty.hear("." * 19) == [StartReply(1, "What time is it?")]


def test_a_final_that_says_the_same_in_other_letters_keeps_the_reply(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time is it"))
    hasty.hear("." * 4)
    assert hasty.tell(final("What time is it?", 1)) == []
    assert hasty.hear("." * 19) == [StartReply(1, "What time is it?")]


def test_a_caller_who_goes_on_has_the_reply_dropped_with_his_next_word(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time"))
    hasty.hear("." * 4)
    assert hasty.hear("." * 10 + "v" * 10) == []
    assert hasty.tell(Transcribed("what time is")) == [DropReply()]


def test_a_reply_outlasts_voice_without_words(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time"))
    hasty.hear("." * 4)
    assert hasty.hear("..vvv...") == []
    assert hasty.hear(".") == [RequestFinal(2)]
    assert hasty.tell(final("what time", 2)) == []
    assert hasty.hear("." * 19) == [StartReply(1, "what time")]


def test_a_final_that_is_late_decides_whether_the_reply_fits(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time"))
    hasty.hear("." * 25)
    assert hasty.state() is State.THINKING
    assert hasty.tell(final("what time is it", 1)) == [DropReply(), StartReply(1, "what time is it")]


def test_a_caller_who_goes_on_while_his_final_is_awaited_has_the_reply_dropped(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time"))
    hasty.hear("." * 25)
    assert hasty.hear("vvv") == []
    assert hasty.tell(Transcribed("what time is")) == [DropReply()]


def test_a_reply_to_nothing_is_dropped_with_the_utterance(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("thank you"))
    hasty.hear("." * 4)
    assert hasty.tell(final("", 1)) == [DropReply()]
    assert hasty.hear("." * 19) == [CommitUtterance()]


def test_what_we_say_unasked_has_the_reply_dropped(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time"))
    hasty.hear("." * 4)
    assert hasty.bot_says() == [DropReply()]


def test_only_shortly_before_the_endpoint_a_reply_is_prepared() -> None:
    call = Conversation(speculation=True, speculation_lead_ms=200)
    call.hear("v" * 25)
    call.tell(Transcribed("yes please"))
    call.hear("." * 23)
    assert call.at(PrepareReply(1, "yes please")) == 500 + 460 - 200


def test_a_reply_is_prepared_no_sooner_than_replies_take() -> None:
    call = Conversation(speculation=True)
    call.tell(ReplySpent(20, wasted=False, took_ms=180))
    call.hear("v" * 25)
    call.tell(Transcribed("yes please"))
    call.hear("." * 23)
    assert call.at(PrepareReply(1, "yes please")) == 500 + 460 - 180 - MARGIN_MS


def test_where_finals_come_soon_no_reply_is_prepared_while_one_is_awaited(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what"))
    hasty.hear("." * 4)
    hasty.tell(final("what time", 1))
    hasty.hear("." * 4 + "v" * 10)
    assert hasty.tell(Transcribed("what time is")) == [DropReply()]
    assert hasty.hear("." * 8) == [RequestFinal(2)]
    assert hasty.tell(final("what time is it", 2)) == [PrepareReply(1, "what time is it")]


def test_a_final_that_is_awaited_in_vain_costs_a_moment(hasty: Conversation) -> None:
    hasty.hear("v" * 25 + "." * 4)
    hasty.tell(final("what time", 1))
    hasty.hear("v" * 10)
    hasty.tell(Transcribed("what time is it"))
    quiet_ms = hasty.now_ms
    hasty.hear("." * 15)
    assert hasty.at(PrepareReply(1, "what time is it")) == quiet_ms + PROMPT_MS


def test_a_turn_has_so_many_tries_and_no_more(hasty: Conversation) -> None:
    for count in range(1, TurnOptions().speculation_tries + 3):
        words = " ".join(["yes"] * count)
        hasty.hear("v" * 10)
        hasty.tell(Transcribed(words))
        hasty.hear("." * 5)
    assert len([each for _, each in hasty.log if isinstance(each, PrepareReply)]) == TurnOptions().speculation_tries


def test_when_too_much_was_in_vain_nothing_is_prepared(hasty: Conversation) -> None:
    hasty.tell(ReplySpent(300, wasted=True))
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("yes please"))
    assert hasty.hear("." * 10) == [RequestFinal(1)]
    hasty.tell(ReplySpent(300, wasted=False))
    assert hasty.hear(".") == [PrepareReply(1, "yes please")]


# -- others have opinions ----------------------------------------------------------------------------------------------


def test_a_voice_that_sounds_like_an_end_has_the_final_asked_for_sooner() -> None:
    call = Conversation(final_request_ms=40)
    call.finality = 0.9
    assert call.hear("v" * 25 + ".") == [BeginUtterance(), RequestFinal(1)]


def test_an_eager_end_prepares_the_reply_at_once(hasty: Conversation) -> None:
    hasty.hear("v" * 25)
    hasty.tell(Transcribed("what time is it", is_final=True))
    assert hasty.tell(EndHinted(Opinion.EAGER_END)) == [PrepareReply(1, "what time is it")]
    assert hasty.tell(EndHinted(Opinion.RESUMED)) == [DropReply()]


def test_the_recognisers_end_is_final() -> None:
    call = Conversation(endpoint_ms=200)
    call.hear("v" * 25 + "....")
    call.tell(Transcribed("i think that the", is_final=True))
    call.tell(EndHinted(Opinion.END))
    call.hear("." * 19)
    assert call.at(StartReply(1, "i think that the")) == 500 + 200


def test_opinions_of_no_utterance_are_ignored(hasty: Conversation) -> None:
    assert hasty.tell(EndHinted(Opinion.END)) == []
    assert hasty.state() is State.LISTENING


def test_ratings_of_a_pause_count() -> None:
    call = Conversation(endpoint_unsure_ms=900)
    call.hear("v" * 25 + "....")
    call.tell(EndRated(finality=0.0))
    call.tell(EndRated(probability=0.0))
    call.tell(final("what time is it", 1))
    call.hear("." * 19)
    assert call.state() is State.HEARING
    call.hear("." * 60)
    assert call.state() is State.THINKING


def test_voice_just_when_the_wait_is_over_puts_the_end_off_until_it_shows_what_it_is() -> None:
    call = Conversation(endpoint_ms=200)
    call.hear("v" * 25 + "....")
    call.tell(final("what time is it", 1))
    call.hear("....." + "v" + "..")
    assert call.state() is State.HEARING
    call.hear(".")
    assert call.state() is State.THINKING


# -- who is called ---------------------------------------------------------------------------------------------------


def test_a_callee_who_says_nothing_is_greeted_after_a_silence() -> None:
    call = Conversation()
    call.machine.await_hello(1500, call.now)
    assert call.hear("." * 74) == []
    assert call.hear(".") == [Greet()]
    assert call.machine.idle.awaits_hello
    call.bot_says()
    assert not call.machine.idle.awaits_hello


def test_a_callee_who_says_hello_is_not_greeted_by_the_clock() -> None:
    call = Conversation()
    call.machine.await_hello(1500, call.now)
    call.hear("." * 50)
    call.caller_says("hello")
    assert call.hear("." * 100) == []
    call.bot_says()
    assert not call.machine.idle.awaits_hello


def test_a_noise_makes_the_callee_no_less_silent() -> None:
    call = Conversation()
    call.machine.await_hello(1500, call.now)
    call.hear("v" * 10 + "." * 4)
    call.tell(final("", 1))
    call.hear("." * 19)
    assert call.state() is State.LISTENING
    assert call.hear("." * 75) == [Greet()]


def test_a_hello_may_be_awaited_while_the_callee_speaks() -> None:
    call = Conversation()
    call.hear("v" * 10)
    call.machine.await_hello(1500, call.now)
    assert Greet() not in call.hear("v" * 100)


# -- a caller without an end -------------------------------------------------------------------------------------------


def test_beyond_its_limit_any_breath_ends_an_utterance() -> None:
    call = Conversation(utterance_limit_ms=2000)
    call.hear("v" * 110)
    call.tell(Transcribed("and then and then"))
    call.hear("." * (BREATH_MS // PTIME_MS - 1))
    assert call.state() is State.HEARING
    call.hear(".")
    assert call.state() is State.THINKING


def test_far_beyond_its_limit_nothing_is_waited_for() -> None:
    call = Conversation(utterance_limit_ms=2000)
    actions = call.hear("v" * 130)
    assert actions == [BeginUtterance(), RequestFinal(1)]
    assert call.tell(final("and then and then", 1)) == [StartReply(1, "and then and then")]
    assert call.hear("v" * 20) == []
    assert call.bot_says() == [CommitUtterance()]


def test_what_he_says_while_he_is_being_answered_does_not_stop_us_at_once() -> None:
    call = Conversation(utterance_limit_ms=2000)
    call.hear("v" * 130)
    call.tell(final("and then and then", 1))
    call.bot_says()
    assert call.hear("v" * 90) == []
    actions = call.hear("v" * 20)
    assert actions[:3] == [HoldPlayout(), BeginUtterance(), SuspendPlayout()]
    assert ClearPlayout() in actions


# -- nobody speaks -----------------------------------------------------------------------------------------------------


def test_a_caller_who_says_nothing_is_asked_twice_and_then_given_up(call: Conversation) -> None:
    call.hear("." * 1500)
    assert call.log == [(8000, PromptCaller(1)), (16_000, PromptCaller(2)), (24_000, GiveUp())]


def test_the_wait_begins_anew_when_the_caller_has_heard_us(call: Conversation) -> None:
    assert call.wait(8000) == [PromptCaller()]
    call.wait(500)
    call.bot_says()
    assert call.wait(20_000) == []
    call.bot_is_heard()
    assert call.wait(7980) == []
    assert call.wait(20) == [PromptCaller(2)]


def test_a_caller_is_not_asked_while_he_speaks_or_we_think(call: Conversation) -> None:
    assert call.hear("v" * 600) == [BeginUtterance()]
    call.hear("....")
    call.tell(final("a long story", 1))
    assert call.hear("." * 600) == [StartReply(1, "a long story")]


def test_words_make_us_patient_again(call: Conversation) -> None:
    call.wait(16_000)
    call.bot_answers("I am here")
    call.bot_is_heard()
    assert call.wait(16_000) == [PromptCaller(1), PromptCaller(2)]


def test_noise_without_words_does_not_make_us_patient_again(call: Conversation) -> None:
    call.wait(16_000)
    call.hear("v" * 5 + "." * 25)
    call.tell(final("", 1))
    assert call.state() is State.LISTENING
    assert call.wait(8000)[-1] == GiveUp()


def test_a_caller_who_presses_keys_is_there(call: Conversation) -> None:
    call.wait(7900)
    call.tell(KeyPressed())
    assert call.wait(7900) == []
    assert call.wait(100) == [PromptCaller()]


def test_a_key_pressed_while_we_speak_changes_nothing(call: Conversation) -> None:
    call.tell(PlayoutStarted())
    assert call.tell(KeyPressed()) == []
    assert call.state() is State.SPEAKING
    assert call.wait(20_000) == []


def test_a_caller_need_not_be_asked_before_we_give_up() -> None:
    assert Conversation(idle_prompts=0, idle_ms=3000).wait(3000) == [GiveUp()]


# -- media stops -------------------------------------------------------------------------------------------------------


def test_a_turn_ends_though_frames_stop_coming(call: Conversation) -> None:
    call.hear("v" * 25)
    assert call.wait(940) == []
    assert call.wait(20) == [RequestFinal(1)]
    assert call.state() is State.THINKING
    assert call.tell(final("yes", 1)) == [StartReply(1, "yes")]


def test_a_turn_whose_final_is_in_hand_is_answered_though_frames_stop_coming(call: Conversation) -> None:
    call.hear("v" * 25 + "....")
    call.tell(final("yes", 1))
    assert call.wait(960) == [StartReply(1, "yes")]


def test_neither_frames_nor_final_may_come_and_the_caller_is_answered(call: Conversation) -> None:
    call.hear("v" * 25)
    call.tell(Transcribed("yes"))
    call.wait(5000)
    assert call.at(StartReply(1, "yes")) == 500 + 960 + 1500


def test_voice_from_before_the_frames_stopped_does_not_count_when_they_return(call: Conversation) -> None:
    call.hear("v" * 25)
    call.wait(960)
    call.tell(final("yes", 1))
    assert call.hear("...") == []
    assert call.state() is State.THINKING
    assert call.hear("vvv") == [CancelReply(1)]


def test_a_suspicion_ends_though_frames_stop_coming(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv")
    assert call.wait(780) == []
    assert call.wait(20) == [ResumePlayout(), CommitUtterance()]
    assert call.state() is State.SPEAKING
    assert call.hear("." * 50) == []


def test_each_frame_puts_off_the_moment_at_which_they_are_missed(call: Conversation) -> None:
    call.bot_answers()
    call.hear("vvv" + "." * 10)
    assert call.wait(780) == []
    assert call.wait(20) == [ResumePlayout()]


def test_while_we_speak_nothing_is_due(call: Conversation) -> None:
    call.bot_answers()
    assert call.machine.deadline() is None
    call.hear("." * 10)
    assert call.machine.deadline() is None


def test_a_tick_too_early_does_nothing(call: Conversation) -> None:
    assert call.machine.tick(START_S + 7.9) == ()
    call.hear("v" * 25)
    assert call.machine.tick(call.now + 0.9) == ()
    call.hear("." * 30)
    assert call.machine.tick(call.now + 1.3) == ()


# -- whatever happens --------------------------------------------------------------------------------------------------


class Referee:
    """Follows a conversation and objects to what no shell could perform."""

    def __init__(self) -> None:
        self.call = Conversation(speculation=True)
        self.utterance_open = False
        self.held = self.suspended = False
        self.prepared = False
        """Whether a reply is being prepared."""
        self.running: int | None = None
        """Turn of the reply that is in the making, or in the caller's ear."""
        self.answered = 0
        """The last turn whose reply is over, other than by being cancelled."""
        self.turn = 0
        self.is_new_utterance = False
        self.request = 0

    def hear(self, frames: str) -> None:
        for frame in frames:
            self.watch(self.call.hear(frame))

    def wait(self, duration_ms: int) -> None:
        self.watch(self.call.wait(duration_ms))

    def tell(self, event: Event) -> None:
        before = self.call.state()
        actions = self.call.tell(event)
        finished = event == PlayoutFinished() and before is State.SPEAKING
        failed = event == ReplyFailed(self.running or 0) and before is State.THINKING
        if (finished or failed) and self.running is not None:
            self.answered, self.running = self.running, None
        # What is overdue with it is done at once, as a shell's alarm does it.
        self.watch([*actions, *self.call.wait(0)])
        assert not (finished and self.held)

    def watch(self, actions: list[Action]) -> None:
        for action in actions:
            self.check(action)
        self.check_state()

    def check(self, action: Action) -> None:
        match action:
            case BeginUtterance():
                assert not self.utterance_open
                self.utterance_open = self.is_new_utterance = True
            case CommitUtterance():
                assert self.utterance_open
                self.utterance_open = False
            case RequestFinal(request):
                assert self.utterance_open
                assert request == self.request + 1
                self.request = request
            case StartReply(turn, text):
                assert self.running is None
                assert self.utterance_open
                assert text
                self.check_number(turn)
                self.prepared = False
                self.running = self.turn = turn
                self.is_new_utterance = False
            case CancelReply(turn):
                assert turn == self.running
                self.running = None
            case PrepareReply(turn, text):
                assert self.utterance_open
                assert text
                self.check_number(turn)
                assert not self.prepared
                self.prepared = True
            case DropReply():
                assert self.prepared
                self.prepared = False
            case HoldPlayout():
                assert not self.held
                self.held = True
            case SuspendPlayout():
                assert not self.suspended
                self.held = self.suspended = True
            case ResumePlayout():
                assert self.held
                self.held = self.suspended = False
            case ClearPlayout():
                assert self.suspended
                self.held = self.suspended = False
            case PromptCaller() | GiveUp():
                assert not self.utterance_open
                assert self.running is None

    def check_number(self, turn: int) -> None:
        """A new utterance is a new turn, unless it goes on with one that was not answered to its end."""
        if self.is_new_utterance:
            assert turn in (self.turn, self.turn + 1)
        else:
            assert turn == self.turn
        assert turn != self.answered

    def check_state(self) -> None:
        state, deadline = self.call.state(), self.call.machine.deadline()
        assert not self.held or state is State.SPEAKING
        assert not self.prepared or state in (State.HEARING, State.THINKING)
        assert self.utterance_open or state in (State.LISTENING, State.SPEAKING)
        assert not self.utterance_open or state is not State.LISTENING
        waits_for_others = state is State.SPEAKING or (state is State.THINKING and self.running is not None)
        assert deadline is not None or (waits_for_others and not self.held), "dead air"
        assert deadline is None or deadline > self.call.now


happenings = st.one_of(
    st.sampled_from(["v", ".", "vv", "vvv", "v" * 8, "." * 4, "." * 16, "." * 24]),
    st.sampled_from(["says", "is answered", "says", "is answered"]),
    st.sampled_from([20, 300, 1000, 2000, 9000]),
    st.sampled_from([PlayoutStarted(), PlayoutStarted(), PlayoutStarted(interruptible=False), PlayoutFinished()]),
    st.tuples(st.just("failed"), st.integers(0, 1)),
    st.sampled_from([EndHinted(opinion) for opinion in Opinion]),
    st.sampled_from([EndRated(finality=0.9), EndRated(probability=0.1), ReplySpent(300, wasted=True)]),
    st.tuples(
        st.just("transcribed"), st.sampled_from(["", " ", "yes", "yes please"]), st.integers(0, 2), st.booleans()
    ),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(happenings, min_size=20, max_size=60))
def test_whatever_happens_a_shell_can_perform_what_is_ordered_and_nobody_waits_forever(story: list[object]) -> None:
    referee = Referee()
    for happening in story:
        match happening:
            case "says":
                referee.hear("v" * 10 + "." * 4)
            case "is answered":
                referee.tell(final("yes", referee.request))
                referee.hear("." * 20)
            case str():
                referee.hear(happening)
            case int():
                referee.wait(happening)
            case ("failed", int(back)):
                referee.tell(ReplyFailed(referee.turn - back))
            case ("transcribed", str(text), int(back), bool(is_final)):
                referee.tell(Transcribed(text, is_final, referee.request - back or None))
            case PlayoutStarted() | PlayoutFinished() | EndHinted() | EndRated() | ReplySpent():
                referee.tell(happening)
            case _:
                raise AssertionError(happening)
    # When the line has gone quiet, all comes to rest.
    for _ in range(2):
        referee.tell(PlayoutFinished())
        referee.hear("." * 150)
    assert referee.call.state() is State.LISTENING or referee.running is not None


def test_what_the_caller_has_said_so_far_can_be_asked_for() -> None:
    call = Conversation()
    call.hear("v" * 10)
    assert call.machine.said == ""
    call.tell(Transcribed("I would like"))
    assert call.machine.said == "I would like"
