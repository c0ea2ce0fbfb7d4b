from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from, tuples

from mediasrv.server.steering import MOST_LOST, REMEMBERED_S, SILENT_S, Steering


def steering(*calls: int, now: float = 1.0) -> Steering:
    """Workers with so many calls each."""
    steer = Steering()
    for worker, count in enumerate(calls):
        steer.join(worker)
        steer.tell(worker, count, "", now)
    return steer


def test_a_burst_is_spread_by_what_each_has_and_was_handed() -> None:
    steer = steering(3, 0, 1)
    assert Counter(steer.choose((), 1.0) for _ in range(8)) == {0: 1, 1: 4, 2: 3}


def test_what_was_handed_over_counts_until_the_report_after_the_next() -> None:
    steer = steering(0, 1)
    assert [steer.choose((), 1.0) for _ in range(2)] == [0, 0]
    steer.tell(0, 0, "", 1.1)
    steer.tell(1, 1, "", 1.1)
    assert steer.choose((), 1.1) == 1
    steer.tell(0, 0, "", 1.2)
    assert steer.choose((), 1.2) == 0


def test_all_that_names_a_call_goes_one_way_until_it_is_forgotten() -> None:
    steer = steering(5, 0)
    assert steer.choose(["a"], 1.0) == 1
    steer.tell(1, 9, "", 1.1)
    assert steer.choose(["b"], 1.1) == 0
    assert steer.choose(["a"], 1.2) == 1
    assert steer.choose(["x", "b"], 1.2) == 0
    later = 1.3 + REMEMBERED_S
    steer.tell(0, 5, "", later)
    steer.tell(1, 9, "", later)
    assert steer.choose(["a"], later) == 0


def test_a_stream_is_never_forgotten_while_it_lives() -> None:
    steer = steering(5, 0)
    assert steer.choose(["a"], 1.0) == 1
    steer.begin(1, "a")
    later = 10 * REMEMBERED_S
    steer.tell(0, 0, "", later)
    assert steer.choose(["a"], later) == 1
    steer.end(0, "a", later)
    assert steer.choose(["a"], later) == 1
    steer.end(1, "a", later)
    assert steer.choose(["a"], later) == 1
    assert steer.choose(["a"], later + REMEMBERED_S + 1) == 0


def test_who_refuses_stalls_or_retires_is_asked_only_when_nobody_else_is_there() -> None:
    steer = steering(0, 7, 7, 9)
    steer.tell(0, 0, "overloaded", 1.0)
    steer.retire(1)
    now = 1.1 + SILENT_S
    steer.tell(3, 9, "", now)
    steer.tell(0, 0, "overloaded", now)
    assert steer.choose((), now) == 3
    assert steer.refusal(now) == ""
    steer.tell(3, 9, "full", now)
    assert steer.choose((), now) == 0
    assert steer.refusal(now) == "overloaded"


def test_who_has_just_taken_one_under_strain_is_asked_behind_the_others() -> None:
    steer = steering(0, 9)
    steer.tell(0, 0, "", 1.0, is_paced=True)
    assert steer.choose((), 1.0) == 1
    assert steer.refusal(1.0) == ""
    steer.tell(1, 9, "full", 1.0)
    assert steer.choose((), 1.0) == 0


def test_without_workers_there_is_no_choice_and_a_word_for_it() -> None:
    steer = Steering()
    assert steer.choose(["a"], 0.0) is None
    assert steer.refusal(0.0) == "starting"
    steer.join(0)
    assert steer.choose((), 0.0) is None
    assert steer.refusal(0.0) == "starting"
    steer.tell(0, 0, "", 1.0)
    assert steer.refusal(1.0) == ""
    assert steer.refusal(1.1 + SILENT_S) == "stalled"


def test_who_is_gone_takes_its_streams_along_and_its_names_lead_elsewhere() -> None:
    steer = steering(0, 5)
    assert steer.choose(["a"], 1.0) == 0
    assert steer.choose(["b"], 1.0) == 0
    steer.begin(0, "a")
    assert steer.leave(0) == 1
    assert steer.leave(0) == 0
    assert steer.choose(["a"], 1.0) == 1
    assert steer.choose(["b"], 1.0) == 1


@given(lists(tuples(sampled_from("abc"), integers(0, 3)), max_size=40))
def test_no_call_is_ever_at_two_workers(happenings: list[tuple[str, int]]) -> None:
    steer, homes, now = steering(0, 0, 0), dict[str, int](), 1.0
    for name, kind in happenings:
        now += 1.0
        for worker in range(3):
            steer.tell(worker, sum(home == worker for home in homes.values()), "", now)
        chosen = steer.choose([name], now)
        assert chosen is not None
        if name in homes:
            assert chosen == homes[name]
        if kind == 1:
            homes.setdefault(name, chosen)
            steer.begin(chosen, name)
        elif kind == 2 and name in homes:
            steer.end(homes[name], name, now)


def test_who_asks_about_a_call_of_a_worker_that_is_gone_is_told_so() -> None:
    steer = steering(0, 0)
    steer.begin(0, "a")
    steer.begin(1, "b")
    # Nobody has noticed yet that the first is dead, but it could not be handed anything.
    assert steer.choose(["a"], 1.0, {0}) == 1
    assert steer.lost(["a", "b", "c"], 1) == ["a"]
    assert steer.leave(0) == 1
    assert steer.lost(["a", "b"], 1) == ["a"]
    steer.begin(1, "a")
    assert steer.lost(["a"], 1) == []
    steer.end(1, "b", 1.0)
    assert steer.lost(["b"], 0) == []


def test_of_the_lost_the_oldest_are_forgotten() -> None:
    steer = steering(0, 0)
    for number in range(MOST_LOST + 1):
        steer.begin(0, str(number))
    steer.leave(0)
    assert steer.lost(["0", "1"], 1) == ["1"]
