"""What grows is told from what only wavers, and from what is made once."""

from __future__ import annotations

from collections.abc import Callable

from native_bench.soak import LASTING, SHORT, Look, growths, verdicts


def looks(memory_kb: Callable[[int], float], tasks: Callable[[int], int] = lambda at: 9) -> list[Look]:
    return [Look(at / 10, memory_kb(at), tasks(at), 20, 1000, 0) for at in range(40)]


def test_what_is_made_once_is_no_growth() -> None:
    assert verdicts(growths(looks(lambda at: 1000.0 * min(at, 15))), SHORT) == []


def test_memory_that_rises_to_the_end_grows() -> None:
    (found,) = verdicts(growths(looks(lambda at: 200.0 * at)), SHORT)
    assert found.startswith("memory_kb grows by 2000.00")


def test_memory_that_wavers_does_not_grow() -> None:
    assert verdicts(growths(looks(lambda at: 5000.0 * (at % 3))), SHORT) == []


def test_what_many_calls_share_is_divided_among_them() -> None:
    seen = looks(lambda at: 200.0 * at)
    assert verdicts(growths(seen, calls=1), LASTING) != []
    assert verdicts(growths(seen, calls=40), LASTING) == []


def test_one_task_that_stays_with_each_call_grows() -> None:
    (found,) = verdicts(growths(looks(lambda at: 0.0, lambda at: 100 * at)), SHORT)
    assert found.startswith("tasks grows by 1000.00")


def test_nothing_seen_is_no_growth() -> None:
    assert verdicts(growths([]), SHORT) == []
