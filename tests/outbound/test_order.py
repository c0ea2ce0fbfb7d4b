"""How an order moves from one standing to the next."""

from __future__ import annotations

from typing import Any

import pytest

from mediasrv.carriers.base import Happening, PlacedCall
from mediasrv.outbound.options import OutboundOptions
from mediasrv.outbound.order import (
    GIVE_UP_AFTER_S,
    MOST_LOOKS,
    NO_WORD,
    NOT_PLACED,
    UNKNOWN,
    Standing,
    State,
    Steps,
)
from tests.outbound.support import told

MARGIN_S = OutboundOptions().webhook_within_s
CALL = PlacedCall(request_id="r1", call_id="c1")


def steps(**options: Any) -> Steps:
    return Steps(OutboundOptions(**options))


def placed(now_s: float = 0.0) -> Standing:
    return steps().accepted(steps().begin(Standing(), now_s), PlacedCall(request_id="r1"), now_s)


def uncertain(now_s: float = 0.0) -> Standing:
    return steps().lost(steps().begin(Standing(), now_s), now_s)


def test_a_call_goes_its_way() -> None:
    standing = placed(1.0)
    assert (standing.state, standing.request_id, standing.calls) == (State.PLACED, "r1", 1)
    for happening, state in ((Happening.RINGING, State.RINGING), (Happening.ANSWERED, State.ANSWERED)):
        standing = steps().heard(standing, told(happening), 2.0)
        assert standing.state is state
    standing = steps().heard(standing, told(Happening.ENDED, "Normal Hangup"), 9.0)
    assert (standing.state, standing.cause, standing.since_s, standing.due_s) == (
        State.ENDED,
        "Normal Hangup",
        9.0,
        None,
    )
    assert standing.is_settled


def test_what_comes_twice_or_out_of_order_changes_nothing() -> None:
    answered = steps().heard(placed(), told(Happening.ANSWERED), 1.0)
    assert steps().heard(answered, told(Happening.RINGING), 2.0) == answered
    assert steps().heard(answered, told(Happening.ANSWERED), 2.0) == answered
    ended = steps().heard(answered, told(Happening.ENDED, "Normal Hangup"), 3.0)
    for happening in Happening:
        assert steps().heard(ended, told(happening, "Busy"), 4.0) == ended


def test_webhooks_may_come_before_the_answer_to_the_request() -> None:
    placing = steps().begin(Standing(), 0.0)
    ringing = steps().heard(placing, told(Happening.RINGING), 0.5)
    after = steps().accepted(ringing, PlacedCall(request_id="r1"), 1.0)
    assert (after.state, after.request_id, after.call_id) == (State.RINGING, "r1", "c1")
    assert steps().lost(ringing, 1.0) == ringing
    assert steps().turned_down(ringing, "no", 1.0, retryable=True) == ringing


@pytest.mark.parametrize("cause", ["Busy", "USER_BUSY", "busy", "No Answer", "NO_ANSWER", "Ring Timeout", "3010"])
def test_busy_and_no_answer_are_tried_again_later_and_later(cause: str) -> None:
    standing, waits = placed(), []
    for _ in range(2):
        standing = steps().heard(standing, told(Happening.ENDED, cause), 100.0)
        assert (standing.state, standing.cause) == (State.PLANNED, cause)
        waits.append((standing.due_s or 0.0) - 100.0)
        standing = steps().accepted(steps().begin(standing, 100.0), CALL, 100.0)
    assert waits == [900.0, 1800.0]
    standing = steps().heard(standing, told(Happening.ENDED, cause), 200.0)
    assert (standing.state, standing.calls) == (State.ENDED, 3)


@pytest.mark.parametrize("cause", ["Normal Hangup", "Rejected", "NORMAL_CLEARING", "Error Reaching Answer URL", ""])
def test_other_ends_are_ends(cause: str) -> None:
    assert steps().heard(placed(), told(Happening.ENDED, cause), 1.0).state is State.ENDED


def test_who_has_answered_is_not_called_again_whatever_the_cause() -> None:
    answered = steps().heard(placed(), told(Happening.ANSWERED), 1.0)
    assert steps().heard(answered, told(Happening.ENDED, "busy"), 2.0).state is State.ENDED


def test_an_operator_may_want_no_second_call() -> None:
    ended = steps(retry_on=()).heard(placed(), told(Happening.ENDED, "Busy"), 1.0)
    assert ended.state is State.ENDED


def test_where_the_carrier_had_no_room_nobody_was_called() -> None:
    standing = steps().heard(placed(), told(Happening.ENDED, "Concurrency Limit Breached"), 10.0)
    assert (standing.state, standing.calls, standing.due_s) == (State.PLANNED, 0, 12.0)
    turned_down = steps().turned_down(steps().begin(standing, 20.0), "429", 20.0, retryable=True)
    assert (turned_down.calls, turned_down.tries, turned_down.due_s) == (0, 2, 24.0)


def test_a_carrier_may_say_how_long_it_has_no_room() -> None:
    placing = steps().begin(Standing(), 0.0)
    assert steps().turned_down(placing, "429", 10.0, retryable=True, retry_after_s=120.0).due_s == 130.0


def test_room_is_not_waited_for_for_ever() -> None:
    standing = Standing()
    for _ in range(12):
        assert standing.state is State.PLANNED
        standing = steps().turned_down(steps().begin(standing, 0.0), "429", 0.0, retryable=True)
    assert (standing.state, standing.cause, standing.calls) == (State.FAILED, "429", 0)


def test_a_request_that_is_wrong_is_not_made_again() -> None:
    standing = steps().turned_down(steps().begin(Standing(), 0.0), "HTTP 400", 1.0, retryable=False)
    assert (standing.state, standing.cause, standing.calls) == (State.FAILED, "HTTP 400", 0)


def test_an_uncertain_call_that_is_found_goes_on() -> None:
    for word, state in (("queued", State.PLACED), ("ringing", State.RINGING), ("in-progress", State.ANSWERED)):
        found = PlacedCall(request_id="r1", call_id="c1", state=word)
        standing = steps().looked(uncertain(), found, 5.0)
        assert (standing.state, standing.request_id, standing.calls) == (state, "r1", 1)
    over = PlacedCall(request_id="r1", call_id="c1", state="completed")
    assert steps().looked(uncertain(), over, 5.0).state is State.ENDED


def test_only_after_a_minute_without_a_trace_it_is_placed_anew() -> None:
    standing = steps().looked(uncertain(), None, 59.0)
    assert (standing.state, standing.looks) == (State.UNCERTAIN, 1)
    standing = steps().looked(standing, None, 60.0)
    assert (standing.state, standing.cause, standing.calls) == (State.PLANNED, NOT_PLACED, 0)


def test_while_the_carrier_does_not_answer_it_is_never_placed_anew() -> None:
    standing, now_s = uncertain(), 0.0
    while standing.state is State.UNCERTAIN:
        assert standing.due_s is not None
        assert now_s < standing.due_s <= now_s + 60.0
        now_s = standing.due_s
        standing = steps().not_told(standing, now_s)
    assert (standing.state, standing.cause, standing.calls) == (State.FAILED, UNKNOWN, 1)
    assert now_s > GIVE_UP_AFTER_S


def test_a_call_that_was_given_up_and_rings_is_taken_back() -> None:
    planned = steps().looked(uncertain(), None, 60.0)
    ringing = steps().heard(planned, told(Happening.RINGING), 61.0)
    assert (ringing.state, ringing.calls, ringing.serial) == (State.RINGING, 1, 1)
    ended = steps().heard(planned, told(Happening.ENDED, "Normal Hangup"), 61.0)
    assert (ended.state, ended.calls) == (State.ENDED, 1)
    waits_after_busy = steps().heard(placed(), told(Happening.ENDED, "Busy"), 1.0)
    assert steps().heard(waits_after_busy, told(Happening.RINGING), 2.0) == waits_after_busy


def test_where_no_word_comes_the_carrier_is_asked_and_then_it_is_over() -> None:
    standing = placed()
    assert standing.due_s == 45 + MARGIN_S
    for _ in range(MOST_LOOKS - 1):
        standing = steps().looked(standing, None, 200.0)
        assert standing.state is State.PLACED
    standing = steps().looked(standing, None, 200.0)
    assert (standing.state, standing.cause) == (State.ENDED, NO_WORD)


def test_a_long_call_is_asked_about_again_and_again() -> None:
    answered = steps().heard(placed(), told(Happening.ANSWERED), 1.0)
    assert answered.due_s == 1.0 + 3600 + MARGIN_S
    going_on = steps().looked(answered, PlacedCall(request_id="r1", call_id="c1", state="in-progress"), 4000.0)
    assert (going_on.state, going_on.due_s) == (State.ANSWERED, 4000.0 + MARGIN_S)
    assert steps().not_told(going_on, 4060.0).state is State.ANSWERED


def test_who_has_answered_is_remembered() -> None:
    standing = steps().heard(placed(), told(Happening.MACHINE, machine=True), 1.0)
    assert (standing.state, standing.machine) == (State.ANSWERED, True)


def test_after_a_crash_a_request_that_was_on_its_way_is_looked_for() -> None:
    placing = steps().begin(Standing(), 0.0)
    standing = steps().resumed(placing, 50.0)
    assert (standing.state, standing.due_s, standing.since_s) == (State.UNCERTAIN, 50.0, 50.0)
    assert steps().resumed(placed(), 50.0).due_s == 50.0
    assert steps().resumed(Standing(due_s=99.0), 50.0) == Standing(due_s=99.0)


def test_what_is_settled_stays_so() -> None:
    failed = steps().refuse(Standing(), "calling window: no", 1.0)
    assert failed.is_settled
    assert steps().looked(failed, CALL, 2.0) == failed
    assert steps().not_told(failed, 2.0) == failed
    assert steps().heard(failed, told(Happening.RINGING), 2.0) == failed
