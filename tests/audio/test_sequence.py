from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, permutations

from mediasrv.audio.sequence import Order, Sequence


def places(*counts: int | None, window: int = 50) -> list[tuple[Order, int]]:
    sequence = Sequence(window)
    return [sequence.place(count) for count in counts]


def new(*numbers: int) -> list[tuple[Order, int]]:
    return [(Order.NEW, number) for number in numbers]


def test_packets_in_order_have_places_in_order() -> None:
    assert places(7, 8, 9) == new(0, 1, 2)


def test_a_packet_out_of_order_keeps_its_own_place() -> None:
    assert places(1, 3, 2, 4) == new(0, 2, 1, 3)


def test_a_packet_before_the_first_lies_before_it() -> None:
    assert places(5, 4) == new(0, -1)


def test_a_packet_that_came_is_a_duplicate_wherever_it_comes_again() -> None:
    assert places(1, 1) == [*new(0), (Order.DUPLICATE, 0)]
    assert places(1, 2, 4, 2, 3, 3) == [*new(0, 1, 3), (Order.DUPLICATE, 1), *new(2), (Order.DUPLICATE, 2)]


@pytest.mark.parametrize("size", [1 << 16, 1 << 32])
def test_a_count_that_wraps_goes_on(size: int) -> None:
    assert places(size - 2, 0, size - 1, 1) == new(0, 2, 1, 3)


@given(start=integers(0, 1 << 64), length=integers(1, 100))
def test_a_count_that_never_wraps_goes_on(start: int, length: int) -> None:
    assert places(*range(start, start + length)) == new(*range(length))


@pytest.mark.parametrize("target", [1051, 948, 30_000, 5])
def test_a_leap_is_a_jump_and_the_stream_goes_on_behind_it(target: int) -> None:
    assert places(999, 1000, target, target + 1) == [*new(0, 1), (Order.JUMP, 2), *new(3)]


def test_the_widest_gap_within_the_window_is_none() -> None:
    assert places(1000, 1050) == new(0, 50)
    assert places(1000, 950) == new(0, -50)


def test_what_came_before_a_jump_is_not_taken_for_what_comes_after() -> None:
    assert places(1000, 1001, 5000, 4999) == [*new(0, 1), (Order.JUMP, 2), *new(1)]


def test_a_count_that_starts_over_nearby_is_believed_at_its_fourth_packet() -> None:
    orders = [order for order, _ in places(*range(1, 21), 1, 2, 3, 4, 5, 6)]
    assert orders[20:] == [Order.DUPLICATE] * 3 + [Order.JUMP, Order.NEW, Order.NEW]


def test_packets_that_are_late_but_mixed_with_new_ones_start_nothing_over() -> None:
    orders = [order for order, _ in places(10, 20, 11, 21, 12, 22, 13, 23, 14)]
    assert Order.JUMP not in orders


def test_packets_that_are_not_counted_follow_one_another() -> None:
    assert places(None, None, None) == new(0, 1, 2)


def test_a_packet_without_a_count_takes_the_next_one() -> None:
    assert places(4, None, 6) == new(0, 1, 2)


@given(data=permutations(range(12)), repeats=lists(integers(0, 11), max_size=5))
def test_each_packet_is_new_once(data: list[int], repeats: list[int]) -> None:
    sequence = Sequence(50)
    sequence.place(100)
    # New ones in between keep a run of late packets from looking like a count that starts over.
    seen = []
    for step, number in enumerate([*data, *repeats]):
        seen.append(sequence.place(101 + number))
        sequence.place(120 + step)
    assert sorted(place for order, place in seen if order is Order.NEW) == list(range(1, 13))
    assert sum(order is Order.DUPLICATE for order, _ in seen) == len(repeats)


@given(window=integers(1, 20), before=lists(integers(0, 30), min_size=1, max_size=20), packets=integers(1, 60))
def test_packets_that_followed_are_taken_together_as_they_are_one_by_one(
    window: int, before: list[int], packets: int
) -> None:
    together, singly = Sequence(window), Sequence(window)
    for count in before:
        together.place(count)
        singly.place(count)
    assert singly._count is not None
    newest = singly._count
    together.advance(packets)
    for count in range(newest + 1, newest + 1 + packets):
        singly.place(count)
    for count in [newest + packets - 3, newest + packets + 2, newest + packets - window, newest + packets]:
        assert together.place(count) == singly.place(count)
