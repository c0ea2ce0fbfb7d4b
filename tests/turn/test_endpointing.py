from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import booleans, builds, floats, integers, lists, none, sampled_from, text

from mediasrv.call.phrasebook import language_of
from mediasrv.turn.endpointing import LONGEST_MS, SHORTEST_MS, Clues, Endpointing
from mediasrv.turn.options import TurnOptions

EN, HI = language_of("en"), language_of("hi")
OPTIONS = TurnOptions()
SAID = sampled_from(["", "Yes.", "I want to", "call me on nine eight seven", "the parcel", "हाँ"])
SHARES = none() | floats(0, 1)
ANY_CLUES = builds(Clues, SAID | text(), booleans(), SHARES, SHARES, booleans())
PAUSES = lists(integers(0, 5000), max_size=8)


def wait_ms(said: str, endpointing: Endpointing | None = None, **clues: float | bool) -> int:
    return (endpointing or Endpointing(OPTIONS, EN)).wait_ms(Clues(said, **{"is_final": True} | clues))  # type: ignore[arg-type]


def test_the_wait_depends_on_what_was_said() -> None:
    assert wait_ms("I want to cancel my order.") == OPTIONS.endpoint_ms
    assert wait_ms("my order") == OPTIONS.endpoint_unsure_ms
    assert wait_ms("I want to cancel my") == OPTIONS.endpoint_incomplete_ms
    assert wait_ms("my number is nine eight seven six") == OPTIONS.endpoint_dictation_ms


def test_without_words_nobody_knows() -> None:
    assert wait_ms("") == OPTIONS.endpoint_unsure_ms


def test_a_language_without_rules_has_one_wait() -> None:
    endpointing = Endpointing(OPTIONS)
    assert wait_ms("yes", endpointing) == wait_ms("and", endpointing) == OPTIONS.endpoint_unsure_ms


def test_patience_scales_every_wait() -> None:
    endpointing = Endpointing(TurnOptions(patience=1.5), EN)
    assert wait_ms("yes", endpointing) == 1.5 * OPTIONS.endpoint_ms
    assert wait_ms("and", endpointing) == 1.5 * OPTIONS.endpoint_incomplete_ms


def test_no_wait_is_shorter_than_that_of_a_more_finished_utterance() -> None:
    endpointing = Endpointing(TurnOptions(endpoint_ms=1200), EN)
    assert wait_ms("yes", endpointing) == wait_ms("my", endpointing) == 1200


def test_an_interim_may_lack_the_last_word() -> None:
    assert OPTIONS.endpoint_ms < wait_ms("I called you", is_final=False) < OPTIONS.endpoint_unsure_ms
    assert wait_ms("I called you and", is_final=False) == wait_ms("I called you and")


def test_a_voice_that_stays_up_makes_a_complete_utterance_doubtful() -> None:
    assert OPTIONS.endpoint_unsure_ms < wait_ms("yes", finality=0.0) < OPTIONS.endpoint_incomplete_ms
    assert wait_ms("yes", finality=0.8) == wait_ms("yes", finality=1.0) == OPTIONS.endpoint_ms
    assert wait_ms("my order", finality=0.0) == wait_ms("yes", finality=0.0)


def test_a_voice_that_sinks_settles_what_words_leave_open() -> None:
    assert wait_ms("my order", finality=1.0) == OPTIONS.endpoint_ms
    assert wait_ms("I want to cancel my", finality=1.0) > OPTIONS.endpoint_unsure_ms


def test_who_has_said_little_is_given_more_time() -> None:
    assert wait_ms("the parcel came", finality=0.4) > wait_ms("and then the parcel came", finality=0.4)
    assert wait_ms("the parcel came") == OPTIONS.endpoint_ms


def test_a_detector_moves_the_wait_by_one_level_at_most() -> None:
    assert wait_ms("my", probability=1.0) == OPTIONS.endpoint_unsure_ms
    assert wait_ms("my", probability=1.0, finality=0.0) == OPTIONS.endpoint_unsure_ms
    assert wait_ms("my", probability=0.0) == OPTIONS.endpoint_incomplete_ms
    assert wait_ms("nine eight seven", probability=0.0) == OPTIONS.endpoint_dictation_ms
    assert wait_ms("nine eight seven", probability=1.0) == OPTIONS.endpoint_incomplete_ms


def test_a_recogniser_that_is_sure_is_believed() -> None:
    assert wait_ms("I want to", has_ended=True, is_final=False, finality=0.0) == OPTIONS.endpoint_ms


def test_a_caller_who_pauses_long_is_given_more_time_where_there_is_doubt() -> None:
    endpointing = Endpointing(OPTIONS, EN)
    for _ in range(4):
        endpointing.went_on(800)
    assert wait_ms("yes", endpointing) == OPTIONS.endpoint_ms
    assert 700 < wait_ms("my order", endpointing) <= 1.6 * OPTIONS.endpoint_unsure_ms
    for _ in range(40):
        endpointing.went_on(120)
    assert wait_ms("my order", endpointing) == OPTIONS.endpoint_unsure_ms


def test_a_caller_we_cut_into_is_given_more_time_always() -> None:
    endpointing = Endpointing(OPTIONS, EN)
    assert wait_ms("yes", endpointing) == OPTIONS.endpoint_ms
    endpointing.cut_in(400)
    assert 400 < wait_ms("yes", endpointing) <= 1.4 * OPTIONS.endpoint_ms


def likely_ms(said: str, endpointing: Endpointing | None = None, **clues: float | bool) -> float:
    return (endpointing or Endpointing(OPTIONS, EN)).likely_ms(Clues(said, is_final=True, **clues))  # type: ignore[arg-type]


def test_where_something_must_follow_an_early_end_is_unlikely() -> None:
    assert likely_ms("I want to cancel my") == likely_ms("my number is nine eight seven") == OPTIONS.endpoint_unsure_ms
    assert likely_ms("I want to cancel my order") == likely_ms("my order") == 0


def test_a_voice_may_let_us_expect_more_and_so_may_a_detector() -> None:
    assert likely_ms("yes", finality=0.0) == likely_ms("my order", probability=0.1) == OPTIONS.endpoint_unsure_ms
    assert likely_ms("yes", finality=0.8) == likely_ms("my order", probability=0.9) == 0


def test_in_a_language_without_rules_nobody_knows_what_to_expect() -> None:
    assert likely_ms("yes", Endpointing(OPTIONS), finality=0.0) == 0


def test_hindi_waits_for_the_verb() -> None:
    endpointing = Endpointing(OPTIONS, HI)
    assert wait_ms("mujhe order cancel karna hai", endpointing) == OPTIONS.endpoint_ms
    assert wait_ms("मेरे खाते से", endpointing) == OPTIONS.endpoint_incomplete_ms


@given(ANY_CLUES, sampled_from([EN, HI]), PAUSES, PAUSES, floats(0.25, 4), floats(0.25, 4))
def test_any_wait_is_bounded_and_grows_with_patience(
    clues: Clues, language: object, pauses_ms: list[int], cuts_ms: list[int], one: float, other: float
) -> None:
    waits_ms = []
    for patience in sorted((one, other)):
        endpointing = Endpointing(TurnOptions(patience=patience), language)  # type: ignore[arg-type]
        for pause_ms in pauses_ms:
            endpointing.went_on(pause_ms)
        for pause_ms in cuts_ms:
            endpointing.cut_in(pause_ms)
        waits_ms.append(endpointing.wait_ms(clues))
        assert endpointing.wait_ms(clues) == waits_ms[-1]
    assert SHORTEST_MS <= waits_ms[0] <= waits_ms[1] <= LONGEST_MS


@pytest.mark.parametrize("probability", [0.0, 0.3, 0.7])
def test_the_likelier_the_end_the_shorter_the_wait(probability: float) -> None:
    assert wait_ms("my order", probability=probability) > wait_ms("my order", probability=probability + 0.2)
