"""The search finds the number of calls at which a server breaks, and is not led astray by one bad moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from native_bench.load.search import Search


def found(limit: int, first: int = 25, most: int = 800) -> tuple[Search, list[int]]:
    """Search for a server that carries so many calls."""
    search, tried = Search(first, most), []
    while (calls := search.following) is not None:
        tried.append(calls)
        search.tell(calls <= limit)
        assert len(tried) < 60
    return search, tried


@given(st.integers(0, 1000), st.integers(1, 100))
def test_what_holds_and_what_breaks_are_found_next_to_each_other(limit: int, first: int) -> None:
    search, _ = found(limit, first)
    assert search.held <= limit
    if limit < 800:
        assert search.broken is not None
        assert limit < search.broken
        assert search.broken - search.held <= max(1, search.held * 0.05)
    else:
        assert (search.held, search.broken) == (800, None)


def test_steps_go_up_and_then_close_in() -> None:
    assert found(130)[1] == [25, 50, 100, 200, 200, 150, 150, 125, 137, 137, 131, 131]


def test_a_bad_moment_is_not_believed() -> None:
    search = Search(10, 20)
    search.tell(False)
    assert search.following == 10
    search.tell(True)
    assert (search.held, search.broken, search.following) == (10, None, 20)


@pytest.mark.parametrize("most", [5, 25])
def test_no_more_is_tried_than_was_asked_for(most: int) -> None:
    assert found(1000, 25, most)[1] == [most]
