from __future__ import annotations

from mediasrv.turn.events import GiveUp, Greet, PromptCaller
from mediasrv.turn.idle import Idle
from mediasrv.turn.options import TurnOptions


def test_nothing_is_due_before_the_caller_is_expected_to_speak() -> None:
    idle = Idle(TurnOptions())
    assert idle.due_s is None
    idle.expect(100.0)
    assert idle.due_s == 108.0
    idle.cancel()
    assert idle.due_s is None


def test_he_is_asked_step_by_step_and_then_given_up() -> None:
    idle = Idle(TurnOptions(idle_prompts=2))
    assert [idle.lapse(now) for now in (8.0, 16.0, 24.0)] == [PromptCaller(1), PromptCaller(2), GiveUp()]
    assert idle.due_s == 32.0


def test_a_caller_who_is_there_is_asked_from_the_first_step_again() -> None:
    idle = Idle(TurnOptions(idle_prompts=2))
    idle.lapse(8.0)
    idle.forgive()
    assert idle.lapse(16.0) == PromptCaller(1)


def test_who_is_to_say_hello_and_does_not_is_greeted_once() -> None:
    idle = Idle(TurnOptions(idle_prompts=1))
    idle.await_hello(1500)
    idle.expect(100.0)
    assert idle.due_s == 101.5
    assert idle.lapse(101.5) == Greet()
    assert idle.due_s == 109.5
    idle.begin()
    assert idle.due_s is None
    assert not idle.awaits_hello
    idle.expect(110.0)
    assert [idle.lapse(now) for now in (118.0, 126.0)] == [PromptCaller(1), GiveUp()]


def test_a_greeting_that_failed_is_due_again() -> None:
    idle = Idle(TurnOptions())
    idle.await_hello(1500)
    assert [idle.lapse(1.5), idle.lapse(9.5)] == [Greet(), Greet()]
