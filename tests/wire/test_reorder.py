from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mediasrv.wire.events import MediaReceived
from mediasrv.wire.reorder import Reorder


def chunk(number: int | None) -> MediaReceived:
    return MediaReceived(b"x", number)


def pushed(reorder: Reorder, *numbers: int | None) -> list[int | None]:
    return [media.chunk for number in numbers for media in reorder.push(chunk(number))]


def test_chunks_in_order_do_not_wait() -> None:
    assert pushed(Reorder(5), 7, 8, 9) == [7, 8, 9]


def test_a_chunk_ahead_waits_for_the_one_before_it() -> None:
    reorder = Reorder(5)
    assert pushed(reorder, 1, 3) == [1]
    assert pushed(reorder, 2) == [2, 3]


def test_what_is_missing_is_given_up_when_enough_wait() -> None:
    reorder = Reorder(3)
    assert pushed(reorder, 1, 3, 4) == [1]
    assert pushed(reorder, 5) == [3, 4, 5]
    assert pushed(reorder, 2, 6) == [2, 6]


def test_a_count_that_starts_over_is_followed() -> None:
    reorder = Reorder(3)
    assert pushed(reorder, 100, 102, 1, 3, 2) == [100, 102, 1, 2, 3]


def test_what_has_no_number_or_came_before_goes_through() -> None:
    reorder = Reorder(3)
    assert pushed(reorder, 1, None, 3, 3, 1, 2) == [1, None, 3, 1, 2, 3]


def test_what_waits_can_be_had_at_the_end() -> None:
    reorder = Reorder(5)
    assert pushed(reorder, 1, 4, 3) == [1]
    assert [media.chunk for media in reorder.flush()] == [3, 4]
    assert reorder.flush() == []


@given(st.permutations(range(4)), st.integers(0, 10**6))
def test_any_order_within_the_window_is_mended(order: list[int], first: int) -> None:
    reorder = Reorder(5)
    numbers = [first, *(first + 1 + place for place in order)]
    assert pushed(reorder, *numbers) == sorted(numbers)


@given(st.lists(st.integers(0, 30) | st.none(), max_size=60))
def test_nothing_is_ever_lost_or_made_up(numbers: list[int | None]) -> None:
    reorder = Reorder(4)
    out = pushed(reorder, *numbers) + [media.chunk for media in reorder.flush()]
    assert sorted(out, key=str) == sorted(numbers, key=str)
