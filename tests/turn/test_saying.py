from __future__ import annotations

from itertools import pairwise
from typing import Any

from mediasrv.audio.format import PTIME_MS
from mediasrv.turn.events import (
    BeginUtterance,
    CommitUtterance,
    DropReply,
    EndRated,
    Opinion,
    PrepareReply,
    RateEnd,
    RequestFinal,
    StartReply,
    Transcribed,
)
from mediasrv.turn.finals import LIKELY, RENEWED_MS
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.saying import BREATH_MS, Saying
from mediasrv.turn.voicerun import VoiceRun
from tests.turn.conversation import ENGLISH, PATIENCE


class Caller:
    """An utterance under way, with the run of voice that it is heard through."""

    def __init__(self, *, renews: bool = False, **options: Any) -> None:
        options = PATIENCE | {"speculation": True} | options
        self.saying = Saying(TurnOptions(**options), ENGLISH, renews=renews)
        self.saying.begin()
        self._run = VoiceRun()

    def makes(self, frames: str) -> list[object]:
        actions: list[object] = []
        for frame in frames:
            self._run.hear(PTIME_MS * (frame == "v"))
            actions += self.saying.hear(self._run)
        return [action for action in actions if action != RateEnd()]

    def says(self, text: str) -> None:
        self.saying.wording.receive(Transcribed(text))


def test_one_utterance_is_open_at_a_time() -> None:
    saying = Saying(TurnOptions(), ENGLISH)
    assert saying.begin() == [BeginUtterance()]
    assert saying.begin(over_playout=True) == []
    assert saying.is_open
    assert not saying.only_suspected
    assert saying.commit() == [CommitUtterance()]
    assert not saying.is_open


def test_what_is_said_over_our_speech_only_is_known_as_that() -> None:
    saying = Saying(TurnOptions(), ENGLISH)
    saying.begin(over_playout=True)
    assert saying.only_suspected
    saying.commit()
    assert not saying.only_suspected


def test_a_pause_asks_for_the_final_once() -> None:
    assert Caller().makes("v" * 20 + "." * 20) == [RequestFinal(1)]


def test_a_final_is_renewed_in_a_pause_where_that_costs_nothing() -> None:
    caller = Caller(renews=True, final_request_ms=80)
    assert caller.makes("v" * 20 + "." * 4) == [RequestFinal(1)]
    for earlier, later in pairwise((0, *RENEWED_MS)):
        assert caller.makes("." * ((later - earlier) // PTIME_MS - 1)) == []
        assert caller.makes(".") == [RequestFinal(1)]
        # Whoever rates the pause meanwhile is no reason to ask sooner.
        assert caller.saying.ask() == ()
    assert caller.makes("." * 20) == []


def test_a_final_is_renewed_behind_its_first_asking_however_early_that_was() -> None:
    caller = Caller(renews=True, final_request_ms=80)
    caller.makes("v" * 20 + "..")
    caller.saying.rate(EndRated(finality=LIKELY))
    assert caller.saying.ask() == [RequestFinal(1)]
    assert caller.makes("." * (RENEWED_MS[0] // PTIME_MS)) == [RequestFinal(1)]


def test_no_final_is_renewed_once_the_caller_speaks_on() -> None:
    caller = Caller(renews=True, final_request_ms=80)
    caller.makes("v" * 20 + "." * 4)
    assert caller.makes("v" * 10 + "." * 3) == []
    assert caller.makes(".") == [RequestFinal(2)]
    assert caller.makes("." * 20) == [RequestFinal(2)] * len(RENEWED_MS)


def test_a_pause_is_rated_once_at_its_beginning() -> None:
    saying, run = Saying(TurnOptions(), ENGLISH), VoiceRun()
    saying.begin()
    asked = []
    for frame in "vvv....v..vv...":
        run.hear(PTIME_MS * (frame == "v"))
        asked.append(RateEnd() in saying.hear(run))
    assert [place for place, each in enumerate(asked) if each and place > 2] == [3, 12]


def test_who_sounds_as_if_he_had_finished_is_asked_for_in_half_the_time() -> None:
    caller = Caller(final_request_ms=80)
    caller.makes("v" * 20 + ".")
    caller.saying.rate(EndRated(finality=LIKELY))
    assert caller.saying.ask() == ()
    assert caller.makes(".") == [RequestFinal(1)]
    hesitant = Caller(final_request_ms=80)
    hesitant.makes("v" * 20 + ".")
    hesitant.saying.rate(EndRated(finality=LIKELY - 0.1))
    assert hesitant.makes("..") == []
    assert hesitant.makes(".") == [RequestFinal(1)]


def test_a_pause_that_outlasts_the_wait_is_the_end() -> None:
    caller = Caller()
    caller.says("what time is it")
    caller.makes("v" * 20 + "." * 20)
    assert not caller.saying.is_over
    caller.makes("." * 4)
    assert caller.saying.is_over


def test_a_pause_that_the_caller_makes_often_is_waited_out() -> None:
    caller = Caller()
    caller.says("i think that the")
    before_ms = caller.saying.wait_ms
    for _ in range(5):
        caller.makes("v" * 20 + "." * 60)
    caller.makes("vvv")
    caller.says("i think that the")
    assert caller.saying.wait_ms > before_ms


def test_closures_within_words_are_no_pauses() -> None:
    caller = Caller()
    caller.says("i think that the")
    before_ms = caller.saying.wait_ms
    for _ in range(20):
        caller.makes("v" * 20 + "." * 8)
    caller.makes("vvv")
    assert caller.saying.wait_ms == before_ms


def test_a_turn_taken_too_early_makes_us_more_patient() -> None:
    caller = Caller()
    caller.says("what time is it")
    before_ms = caller.saying.wait_ms
    caller.makes("v" * 20 + "." * 30)
    caller.saying.regret()
    caller.says("what time is it in delhi")
    caller.saying.prepare()
    assert caller.saying.wait_ms > before_ms


def test_a_noise_after_our_turn_began_teaches_nothing() -> None:
    caller = Caller()
    caller.says("what time is it")
    before_ms = caller.saying.wait_ms
    caller.makes("v" * 20 + "." * 30)
    caller.saying.regret()
    caller.saying.prepare()
    assert caller.saying.wait_ms == before_ms


def test_a_reply_is_prepared_once_and_settled_when_it_fits() -> None:
    caller = Caller()
    caller.says("what time is it")
    caller.makes("v" * 20 + "." * 5)
    assert caller.saying.prepare() == [PrepareReply(1, "what time is it")]
    assert caller.saying.prepare() == []
    assert caller.saying.start_reply() == [StartReply(1, "what time is it")]
    assert caller.saying.drop() == []


def test_where_more_is_expected_a_reply_is_prepared_only_once_that_is_less_likely() -> None:
    caller = Caller(endpoint_unsure_ms=560, endpoint_incomplete_ms=800)
    caller.says("i think that the")
    caller.makes("v" * 20 + "." * 27)
    assert caller.saying.prepare() == []
    caller.makes(".")
    assert caller.saying.prepare() == [PrepareReply(1, "i think that the")]


def test_a_reply_that_does_not_fit_is_dropped() -> None:
    caller = Caller()
    caller.says("what time is it")
    caller.makes("v" * 20 + "." * 5)
    caller.saying.prepare()
    caller.says("what time is it in delhi")
    assert caller.saying.start_reply() == [DropReply(), StartReply(1, "what time is it in delhi")]


def test_while_the_caller_speaks_no_reply_is_prepared() -> None:
    caller = Caller()
    caller.makes("v" * 20)
    caller.says("what time is it")
    assert caller.saying.prepare() == []


def test_the_recognisers_opinions_move_us() -> None:
    caller = Caller()
    caller.makes("v" * 20)
    caller.says("what time is it")
    assert caller.saying.hint(Opinion.EAGER_END) == [PrepareReply(1, "what time is it")]
    assert caller.saying.hint(Opinion.RESUMED) == [DropReply()]
    assert caller.saying.hint(Opinion.END) == [PrepareReply(1, "what time is it")]


def test_an_opinion_of_an_earlier_pause_does_not_count() -> None:
    caller = Caller(endpoint_unsure_ms=700, endpoint_incomplete_ms=1000)
    (earlier,) = caller.makes("vvvvv....")
    caller.makes("vvvvv")
    (now,) = caller.makes("....")
    caller.says("I would like to see")
    wait_ms = caller.saying.wait_ms
    assert isinstance(earlier, RequestFinal)
    assert isinstance(now, RequestFinal)
    caller.saying.rate(EndRated(probability=0.0, request=earlier.request))
    assert caller.saying.wait_ms == wait_ms
    caller.saying.rate(EndRated(probability=0.0, request=now.request))
    assert caller.saying.wait_ms > wait_ms
    caller.makes("vvvvv")
    caller.saying.rate(EndRated(probability=0.0, request=now.request))
    assert caller.saying.wait_ms == wait_ms


def test_who_rates_the_pause_may_change_the_wait_until_there_is_more_voice() -> None:
    caller = Caller(endpoint_unsure_ms=900)
    caller.says("what time is it")
    before_ms = caller.saying.wait_ms
    caller.saying.rate(EndRated(finality=0.0))
    caller.saying.rate(EndRated(probability=0.0))
    assert caller.saying.wait_ms > before_ms
    caller.makes("vvv")
    assert caller.saying.wait_ms == before_ms


def test_beyond_its_limit_an_utterance_ends_with_a_breath_and_then_without_one() -> None:
    caller = Caller(utterance_limit_ms=1000)
    caller.makes("v" * 49)
    assert caller.saying.wait_ms > BREATH_MS
    caller.makes("v")
    assert caller.saying.wait_ms == BREATH_MS
    assert not caller.saying.is_over
    caller.makes("v" * 13)
    assert caller.saying.is_talked_out
    assert caller.saying.is_over
