from __future__ import annotations

from mediasrv.server.bygones import KEPT, Bygones


def test_who_hung_up_is_not_waited_for_and_a_question_is_asked_once() -> None:
    bygones = Bygones()
    bygones.break_off("a")
    bygones.break_off("b")
    bygones.end("a")
    bygones.end("")
    assert [bygones.take_broken(each) for each in "abb"] == [False, True, False]
    assert [bygones.has_ended(each) for each in ("a", "b", "")] == [True, False, False]


def test_the_oldest_are_forgotten() -> None:
    bygones = Bygones()
    for number in range(KEPT + 1):
        bygones.end(str(number))
        bygones.break_off(str(number))
    assert [bygones.has_ended("0"), bygones.has_ended("1")] == [False, True]
    assert [bygones.take_broken("0"), bygones.take_broken("1")] == [False, True]
