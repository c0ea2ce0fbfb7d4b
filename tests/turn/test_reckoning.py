from __future__ import annotations

from mediasrv.turn.reckoning import Reckoning

T = 5000.0


def playing(lag_s: float = 0.0) -> Reckoning:
    """Half a second that is being played, and whose lag is known."""
    reckoning = Reckoning(8000)
    reckoning.learn(T - lag_s, T)
    assert reckoning.send(4000, T) == T
    return reckoning


def test_the_carrier_plays_as_time_passes() -> None:
    reckoning = playing()
    assert [reckoning.ahead(T + at) for at in (0.0, 0.1, 0.5, 9.0)] == [4000, 3200, 0, 0]
    assert [reckoning.ear(T + at) for at in (0.0, 0.1, 0.5, 9.0)] == [0, 800, 4000, 4000]


def test_what_is_sent_next_begins_when_all_before_it_was_played() -> None:
    reckoning = playing()
    assert reckoning.send(4800, T + 0.2) == T + 0.5
    assert reckoning.send(5600, T + 0.9) == T + 0.9
    assert reckoning.dry_at_s == reckoning.spoken_at_s == T + 1.0


def test_a_fade_takes_time_and_the_ear_does_not_count_it() -> None:
    reckoning = playing()
    reckoning.send_more(240, T + 0.45)
    assert reckoning.ahead(T + 0.45) == 400 + 240
    assert reckoning.ear(T + 0.5) == reckoning.ear(T + 9) == 4000
    assert reckoning.send(4800, T + 0.5) == T + 0.53


def test_the_ear_is_as_far_behind_as_marks_are_late() -> None:
    reckoning = playing(lag_s=0.1)
    assert [reckoning.ear(T + at) for at in (0.0, 0.1, 0.3, 0.6)] == [0, 0, 1600, 4000]


def test_a_mark_that_comes_before_its_time_is_no_lag() -> None:
    reckoning = playing()
    reckoning.learn(T + 0.2, T + 0.1)
    reckoning.reach(1600)
    assert reckoning.lag_s == 0.0
    assert [reckoning.ear(T + at) for at in (0.1, 0.2, 0.3)] == [1600, 1600, 2400]


def test_the_carrier_drops_what_the_model_has_not_played_and_the_ear_hears_what_is_on_its_way() -> None:
    reckoning = playing(lag_s=0.1)
    assert reckoning.drop(T + 0.3) == 2400
    assert reckoning.ahead(T + 0.3) == 0
    assert [reckoning.ear(T + at) for at in (0.3, 0.35, 0.4, 9.0)] == [1600, 2000, 2400, 2400]


def test_going_back_takes_the_ear_along() -> None:
    reckoning = playing()
    reckoning.drop(T + 0.3)
    reckoning.go_back(800, T + 1)
    assert reckoning.ear(T + 1) == 800
    assert reckoning.send(1600, T + 1) == T + 1
    assert reckoning.ear(T + 1.05) == 1200


def test_going_on_where_the_carrier_stopped_does_not_hurry_the_ear() -> None:
    reckoning = playing(lag_s=0.1)
    reckoning.drop(T + 0.3)
    reckoning.go_back(2400, T + 0.35)
    assert [reckoning.ear(T + at) for at in (0.35, 0.4)] == [2000, 2400]


def test_a_restart_makes_the_position_the_ears() -> None:
    reckoning = playing()
    reckoning.drop(T + 0.3)
    reckoning.restart(2000)
    assert (reckoning.sent, reckoning.ear(T + 9)) == (2000, 2000)
