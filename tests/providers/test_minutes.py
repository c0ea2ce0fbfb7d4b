"""What was written down of an utterance, and which finals are owed."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from mediasrv.providers.base import Transcript
from mediasrv.providers.minutes import DEAF_S, LEAD_IN_MS, Minutes, Piece

WAIT_S = 0.4
NO_NOISE = -math.inf


def timed(text: str, start_ms: float, end_ms: float, covers_ms: float, *, closed: bool = False) -> Piece:
    return Piece(text, closed, closed, start_ms=start_ms, end_ms=end_ms, covers_ms=covers_ms)


def untimed(text: str, *, closed: bool = False) -> Piece:
    return Piece(text, closed, closed, answers=closed)


def begun(at_ms: float = 2000.0) -> Minutes:
    minutes = Minutes(WAIT_S)
    minutes.begin(at_ms, 0.0)
    return minutes


def asked(minutes: Minutes, number: int, at_ms: float, now: float) -> None:
    minutes.request(number, at_ms)
    minutes.asked(number, now)


def test_pieces_are_replaced_until_they_are_closed_and_joined_after() -> None:
    minutes = begun()
    assert minutes.hear(timed("a", 2000, 2100, 2200)) == [Transcript("a")]
    assert minutes.hear(timed("a b", 2000, 2300, 2400, closed=True)) == [Transcript("a b", True)]
    assert minutes.hear(timed("c", 2400, 2500, 2600)) == [Transcript("a b c")]


def test_a_piece_is_put_on_another_clock_as_far_as_it_has_times() -> None:
    piece, timeless = timed("a", 2000, 2100, 2200), untimed("a")
    piece.shift(50.0)
    timeless.shift(50.0)
    assert piece == timed("a", 2050, 2150, 2250)
    assert timeless == untimed("a")


def test_a_text_that_becomes_final_is_news() -> None:
    minutes = begun()
    minutes.hear(timed("a", 2000, 2100, 2200))
    assert minutes.hear(timed("a", 2000, 2100, 2300, closed=True)) == [Transcript("a", True)]
    assert minutes.hear(Piece("", covers_ms=2400)) == [Transcript("a")]


def test_what_is_not_news_is_not_told() -> None:
    minutes = begun()
    assert minutes.hear(Piece("", covers_ms=2500)) == []
    assert minutes.hear(timed("a", 2000, 2100, 2200)) == [Transcript("a")]
    assert minutes.hear(timed("a", 2000, 2100, 2300)) == []


def test_words_that_are_taken_back_are_news() -> None:
    minutes = begun()
    minutes.hear(timed("a", 2000, 2100, 2200))
    assert minutes.hear(Piece("", True, True, covers_ms=2300)) == [Transcript("", True)]


def test_a_final_that_covers_a_request_answers_it_though_it_was_not_asked_for() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    assert minutes.hear(timed("a", 2000, 2100, 2250, closed=True)) == [Transcript("a", True, 1)]
    assert minutes.deadline() is None


def test_a_final_that_covers_two_requests_answers_both() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    asked(minutes, 2, 2500, 0.2)
    told = minutes.hear(timed("a", 2000, 2100, 2500, closed=True))
    assert told == [Transcript("a", True, 1), Transcript("a", True, 2)]


def test_a_request_that_is_renewed_is_answered_again_with_other_words_only() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    asked(minutes, 1, 2340, 0.04)
    assert minutes.hear(timed("a", 2000, 2100, 2350, closed=True)) == [Transcript("a", True, 1)]
    asked(minutes, 1, 2400, 0.1)
    assert minutes.hear(Piece("", True, True, answers=True, covers_ms=2400)) == []
    assert minutes.unanswered == []
    asked(minutes, 1, 2460, 0.16)
    assert minutes.hear(timed("b", 2350, 2420, 2460, closed=True)) == [Transcript("a b", True, 1)]
    asked(minutes, 2, 2900, 0.6)
    assert minutes.tick(0.6 + DEAF_S) == [Transcript("a b", True, 2)]


def test_an_answer_is_given_again_behind_other_words() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    assert minutes.hear(timed("a", 2000, 2100, 2300, closed=True)) == [Transcript("a", True, 1)]
    assert minutes.hear(timed("b", 2300, 2350, 2360)) == [Transcript("a b")]
    asked(minutes, 1, 2400, 0.1)
    assert minutes.hear(Piece("", True, True, answers=True, covers_ms=2400)) == [Transcript("a", True, 1)]


def test_a_final_from_before_a_request_does_not_answer_it() -> None:
    minutes = begun()
    asked(minutes, 1, 3000, 0.0)
    assert minutes.hear(timed("a", 2000, 2100, 2200, closed=True)) == [Transcript("a", True)]


def test_the_vendors_word_answers_the_oldest_request() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    asked(minutes, 2, 2500, 0.1)
    assert minutes.hear(untimed("a", closed=True)) == [Transcript("a", True, 1)]
    assert minutes.hear(untimed("b", closed=True)) == [Transcript("a b", True, 2)]


def test_the_vendors_word_does_not_answer_what_it_was_not_asked() -> None:
    minutes = begun()
    minutes.request(1, 2300)
    assert minutes.hear(untimed("a", closed=True)) == [Transcript("a", True)]
    assert minutes.unanswered == [(1, 2300)]


def test_an_answer_that_does_not_come_is_made_of_the_text_so_far() -> None:
    minutes = begun()
    minutes.notice(9.8)
    asked(minutes, 1, 2300, 10.0)
    minutes.hear(timed("a", 2000, 2100, 2200))
    assert minutes.deadline() == 10.0 + WAIT_S
    assert minutes.tick(10.3) == []
    assert minutes.tick(10.4) == [Transcript("a", True, 1)]
    assert minutes.deadline() is None


def test_a_late_answer_still_mends_the_text() -> None:
    minutes = begun()
    minutes.notice(9.8)
    asked(minutes, 1, 2300, 10.0)
    minutes.tick(10.4)
    assert minutes.hear(timed("a", 2000, 2100, 2300, closed=True)) == [Transcript("a", True)]


def test_without_a_sign_of_life_the_wait_is_longer() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 10.0)
    assert minutes.deadline() == 10.0 + DEAF_S
    assert not minutes.is_deaf(10.0 + WAIT_S, NO_NOISE)
    assert minutes.is_deaf(10.0 + DEAF_S, NO_NOISE)
    minutes.notice(10.1)
    assert minutes.deadline() == 10.0 + WAIT_S
    assert not minutes.is_deaf(10.0 + DEAF_S, NO_NOISE)


def test_a_vendor_may_be_silent_in_noise_that_is_short_all_in_all() -> None:
    minutes = begun()
    asked(minutes, 1, 2500, 10.0)
    assert not minutes.is_deaf(10.0 + DEAF_S, 500)
    assert minutes.is_deaf(10.0 + DEAF_S, 499)
    minutes.commit(2900, 12.0, forced=False)
    minutes.begin(4000, 13.0)
    asked(minutes, 2, 4300, 14.0)
    assert not minutes.is_deaf(14.0 + DEAF_S, 800)
    assert minutes.is_deaf(14.0 + DEAF_S, 799)


def test_a_sign_of_life_forgives_the_silence_before_it() -> None:
    minutes = begun()
    asked(minutes, 1, 2500, 10.0)
    minutes.commit(2900, 12.0, forced=False)
    minutes.notice(12.5)
    minutes.begin(4000, 13.0)
    asked(minutes, 2, 4300, 14.0)
    assert not minutes.is_deaf(14.0 + DEAF_S, 300)


def test_a_sign_of_life_from_before_the_utterance_tells_nothing() -> None:
    minutes = Minutes(WAIT_S)
    minutes.notice(9.5)
    minutes.begin(2000, 9.6)
    asked(minutes, 1, 2300, 10.0)
    assert minutes.is_deaf(10.0 + DEAF_S, NO_NOISE)


def test_a_sign_of_life_from_long_before_the_request_tells_nothing() -> None:
    minutes = begun()
    minutes.notice(10.0 - (DEAF_S - WAIT_S))
    asked(minutes, 1, 2300, 10.0)
    assert minutes.is_deaf(10.0 + DEAF_S, NO_NOISE)


def test_a_vendor_that_may_take_long_must_only_have_heard_the_request() -> None:
    minutes = Minutes(2 * DEAF_S)
    minutes.begin(2000, 0.0)
    asked(minutes, 1, 2300, 10.0)
    minutes.notice(10.1)
    assert minutes.deadline() == 10.0 + 2 * DEAF_S
    assert not minutes.is_deaf(10.0 + 2 * DEAF_S, NO_NOISE)


def test_words_of_the_utterance_before_are_told_by_their_times() -> None:
    minutes = begun()
    minutes.commit(3000, 0.0, forced=False)
    minutes.begin(3060, 0.0)
    assert minutes.hear(timed("old", 2700, 2900, 3100, closed=True)) == []
    assert minutes.hear(timed("new", 2980, 3200, 3300)) == [Transcript("new")]


def test_an_empty_final_of_the_utterance_before_answers_nothing() -> None:
    minutes = begun()
    minutes.commit(3000, 0.0, forced=True)
    minutes.begin(3500, 0.0)
    asked(minutes, 1, 3900, 0.5)
    assert minutes.hear(Piece("", True, True, answers=True, covers_ms=3000)) == []
    assert minutes.unanswered == [(1, 3900)]


def test_without_times_the_finals_that_are_owed_are_counted() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    minutes.commit(2400, 0.0, forced=True)
    minutes.begin(3000, 0.0)
    assert minutes.hear(untimed("old")) == []
    assert minutes.hear(untimed("old", closed=True)) == []
    assert minutes.hear(untimed("older", closed=True)) == []
    assert minutes.hear(untimed("new")) == [Transcript("new")]


def test_finals_are_not_owed_for_ever() -> None:
    minutes = begun()
    minutes.commit(2400, 7.0, forced=True)
    assert minutes.deadline() == 7.0 + WAIT_S
    assert minutes.tick(7.4) == []
    assert minutes.deadline() is None
    assert minutes.hear(untimed("new")) == [Transcript("new")]


def test_what_was_heard_long_before_an_utterance_is_not_of_it() -> None:
    minutes = Minutes(WAIT_S)
    minutes.hear(timed("noise", 1000, 1200, 1300, closed=True))
    minutes.hear(timed("soft", 4500, 4700, 4800, closed=True))
    minutes.begin(5000, 0.0)
    assert minutes.text == "soft"


def test_without_times_nothing_from_before_an_utterance_is_of_it() -> None:
    minutes = Minutes(WAIT_S)
    minutes.hear(untimed("noise", closed=True))
    minutes.begin(5000, 0.0)
    assert minutes.text == ""


def test_an_utterance_is_dirty_until_a_final_was_asked_of_all_of_it() -> None:
    minutes = Minutes(WAIT_S)
    assert not minutes.is_dirty
    minutes.begin(2000, 0.0)
    assert minutes.is_dirty
    asked(minutes, 1, 2300, 0.0)
    assert not minutes.is_dirty
    minutes.hear(timed("a", 2000, 2200, 2250))
    assert minutes.is_dirty


def test_after_a_commit_nothing_is_open() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    assert minutes.is_open
    minutes.commit(2400, 0.0, forced=False)
    assert not minutes.is_open
    assert minutes.unanswered == []


def test_a_lost_socket_is_made_good_from_the_last_final() -> None:
    minutes = begun()
    minutes.hear(timed("a", 2000, 2400, 2500, closed=True))
    minutes.hear(timed("b", 2600, 2700, 2800))
    assert minutes.reopen(0, 2900) == 2500
    assert minutes.text == "a"


def test_a_lost_socket_is_made_good_from_the_beginning_where_nothing_was_final() -> None:
    assert begun(2000).reopen(0, 2900) == 2000 - LEAD_IN_MS


def test_a_lost_socket_is_not_made_good_from_the_utterance_before() -> None:
    minutes = begun()
    minutes.commit(3000, 0.0, forced=False)
    minutes.begin(3060, 0.0)
    assert minutes.reopen(0, 3200) == 3000
    minutes.commit(3300, 0.0, forced=False)
    assert minutes.reopen(0, 3000) == 3300
    assert minutes.reopen(0, 3400) == 3400


def test_what_is_too_old_to_be_heard_again_is_kept_as_it_stands() -> None:
    minutes = begun()
    minutes.hear(timed("a b c", 2000, 6000, 6100))
    assert minutes.reopen(5000, 0) == 6000
    assert minutes.text == "a b c"


def test_what_has_no_times_is_heard_again_as_far_back_as_it_may_be() -> None:
    minutes = begun()
    minutes.hear(untimed("a b c"))
    assert minutes.reopen(5000, 0) == 5000
    assert minutes.text == ""


def test_an_answered_final_without_times_covers_what_was_asked_for() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    minutes.hear(untimed("a", closed=True))
    assert minutes.reopen(0, 0) == 2300


def test_requests_outlive_a_socket() -> None:
    minutes = begun()
    asked(minutes, 1, 2300, 0.0)
    minutes.reopen(0, 0)
    assert minutes.unanswered == [(1, 2300)]
    assert minutes.deadline() is None
    assert minutes.tick(99.0) == []


def test_a_request_without_an_utterance_is_one_all_the_same() -> None:
    minutes = Minutes(WAIT_S)
    minutes.request(1, 500)
    assert minutes.is_open
    assert minutes.reopen(-100, 400) == 0


def test_asking_for_an_unknown_request_changes_nothing() -> None:
    minutes = begun()
    minutes.request(1, 2300)
    minutes.asked(2, 0.0)
    assert minutes.deadline() is None


@given(lists(tuples(integers(1, 5), integers(0, 3)), max_size=30))
def test_the_text_is_that_of_a_recogniser_that_never_looks_back(steps: list[tuple[int, int]]) -> None:
    """Words are numbered; whatever is closed when, none is lost or doubled, and every request is answered in order."""
    minutes = begun(0.0)
    at_ms, start = 0.0, 0
    said: list[str] = []
    requests: list[int] = []
    for number, (words, kind) in enumerate(steps):
        said += [f"w{len(said) + i}" for i in range(words)]
        at_ms += words * 200
        closed = kind > 1
        if kind == 3:
            asked(minutes, number, at_ms, 0.0)
        text = " ".join(said[start:])
        told = minutes.hear(timed(text, start * 200.0, at_ms, at_ms, closed=closed))
        assert minutes.text == " ".join(said)
        requests += [each.request for each in told if each.request is not None]
        start = len(said) if closed else start
    assert requests == [number for number, (_, kind) in enumerate(steps) if kind == 3]
