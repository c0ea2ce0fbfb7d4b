"""How much a peer may send, in made-up time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.net.allowance import Allowance


class Clock:
    def __init__(self) -> None:
        self.now, self.was_read = 100.0, 0

    def __call__(self) -> float:
        self.was_read += 1
        return self.now


def test_a_flood_is_stopped_when_the_burst_is_used_up() -> None:
    allowance = Allowance(200.0, 1000.0, Clock())
    assert all(allowance.spend(1) for _ in range(1000))
    assert not allowance.spend(1)


def test_who_keeps_to_the_rate_may_go_on_for_ever_and_the_clock_is_hardly_read() -> None:
    clock = Clock()
    allowance = Allowance(200.0, 1000.0, clock)
    for _ in range(50 * 600):
        clock.now += 0.02
        assert allowance.spend(1)
    assert clock.was_read < 35


def test_what_was_held_up_may_come_at_once() -> None:
    clock = Clock()
    allowance = Allowance(200.0, 1000.0, clock)
    for second in range(600):
        stalls = second % 10 == 9  # 2 s of silence, then all of it
        clock.now += 2.0 if stalls else 1.0
        assert all(allowance.spend(1) for _ in range(100 if stalls else 50))


def test_twice_the_rate_is_stopped_in_the_end() -> None:
    clock = Clock()
    allowance = Allowance(200.0, 1000.0, clock)
    spent = 0
    while allowance.spend(1):
        clock.now += 1 / 400
        spent += 1
    assert 1000 < spent <= 2 * 1000


def test_without_a_rate_nothing_is_limited() -> None:
    assert Allowance(0.0, 10.0, Clock()).spend(1e9)


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 300)), max_size=50))
def test_never_more_is_spent_than_the_bucket_can_have_held(visits: list[tuple[float, int]]) -> None:
    clock = Clock()
    allowance, spent, began_s = Allowance(20.0, 100.0, clock), 0, clock.now
    for pause_s, pieces in visits:
        clock.now += pause_s
        if not allowance.spend(pieces):
            break
        spent += pieces
        assert spent <= 100.0 + 20.0 * (clock.now - began_s) + 1e-6
