from __future__ import annotations

from mediasrv.turn.events import ReplySpent
from mediasrv.turn.options import TurnOptions
from mediasrv.turn.speculation import LEAST_TOKENS, MARGIN_MS, Speculation


def speculation(**options: int | bool) -> Speculation:
    return Speculation(TurnOptions(**options))  # type: ignore[arg-type]


def test_without_words_nothing_is_begun() -> None:
    assert not speculation().may_begin("")
    assert speculation().may_begin("what time is it")


def test_it_may_be_switched_off() -> None:
    assert not speculation(speculation=False).may_begin("what time is it")


def test_a_reply_fits_what_means_the_same() -> None:
    begun = speculation()
    assert not begun.fits("what time is it")
    begun.begin("what time is it")
    assert begun.fits("What time is it?")
    assert not begun.fits("What time is it there?")
    begun.end()
    assert not begun.fits("what time is it")


def test_a_turn_has_its_tries_and_so_has_the_next() -> None:
    begun = speculation(speculation_tries=2)
    begun.begin("one")
    assert begun.may_begin("one two")
    begun.begin("one two")
    assert not begun.may_begin("one two three")
    begun.begin_turn()
    assert begun.may_begin("one two three")


def test_too_much_waste_stops_it_until_the_share_is_right_again() -> None:
    begun = speculation(speculation_waste_percent=50)
    begun.spend(ReplySpent(LEAST_TOKENS, wasted=True))
    assert not begun.may_begin("yes")
    begun.spend(ReplySpent(LEAST_TOKENS, wasted=False))
    assert begun.may_begin("yes")
    begun.spend(ReplySpent(1, wasted=True))
    assert not begun.may_begin("yes")


def test_a_little_waste_says_nothing() -> None:
    begun = speculation(speculation_waste_percent=0)
    begun.spend(ReplySpent(LEAST_TOKENS - 1, wasted=True))
    assert begun.may_begin("yes")


def test_a_reply_may_be_begun_as_long_before_the_end_as_replies_take() -> None:
    begun = speculation(speculation_lead_ms=440)
    assert begun.lead_ms == 440
    begun.spend(ReplySpent(20, wasted=True))
    assert begun.lead_ms == 440
    begun.spend(ReplySpent(20, wasted=False, took_ms=300))
    assert begun.lead_ms == 300 + MARGIN_MS


def test_a_slow_reply_is_remembered_longer_than_a_quick_one() -> None:
    begun = speculation(speculation_lead_ms=440)
    begun.spend(ReplySpent(20, wasted=False, took_ms=300))
    begun.spend(ReplySpent(20, wasted=False, took_ms=400))
    slower_ms = begun.lead_ms
    begun.spend(ReplySpent(20, wasted=True, took_ms=300))
    assert 300 + MARGIN_MS < begun.lead_ms < slower_ms < 400 + MARGIN_MS
    assert slower_ms - begun.lead_ms < begun.lead_ms - (300 + MARGIN_MS)


def test_no_reply_however_slow_is_begun_sooner_than_it_may() -> None:
    begun = speculation(speculation_lead_ms=440)
    begun.spend(ReplySpent(20, wasted=False, took_ms=300))
    begun.spend(ReplySpent(20, wasted=False, took_ms=60_000))
    once_ms = begun.lead_ms
    for _ in range(20):
        begun.spend(ReplySpent(20, wasted=False, took_ms=60_000))
    assert 300 + MARGIN_MS < once_ms < begun.lead_ms == 440
