from __future__ import annotations

from mediasrv.call.observer import Observer
from mediasrv.call.observers import EVENTS, Observers
from tests.call.stage import Stage, agent_options, perform


class Listener(Observer):
    """Hears of two things."""

    def __init__(self, name: str, told: list[str]) -> None:
        self._name = name
        self._told = told

    def said(
        self, call_id: str, side: str, text: str, now: float, *, turn: int | None = None, complete: bool = True
    ) -> None:
        self._told.append(f"{self._name}: {side} said {text} at {now} in {turn}, complete {complete}")

    def ended(self, call_id: str, cause: str) -> None:
        self._told.append(f"{self._name}: {call_id} ended, {cause}")


class Barge(Observer):
    """Hears of one thing."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def barged_in(self, call_id: str, now: float) -> None:
        self.times.append(now)


def test_all_are_told_in_order_of_what_they_listen_to() -> None:
    told: list[str] = []
    barge = Barge()
    observers = Observers(Listener("a", told), barge, Listener("b", told))
    observers.said("c", "caller", "hello", 1.0, turn=3, complete=False)
    observers.barged_in("c", 2.0)
    observers.false_alarm("c", 3.0)
    observers.ended("c", "hung up")
    assert told == [
        "a: caller said hello at 1.0 in 3, complete False",
        "b: caller said hello at 1.0 in 3, complete False",
        "a: c ended, hung up",
        "b: c ended, hung up",
    ]
    assert barge.times == [2.0]


def test_what_nobody_listens_to_costs_no_more_than_without_observers() -> None:
    barge = Barge()
    observers = Observers(barge, Observer())
    assert vars(observers) == {"barged_in": barge.barged_in}
    assert set(EVENTS) >= {"began", "said", "turn_answered", "spent", "ended"}


def test_a_call_tells_who_is_on_it_and_which_turn_and_whether_all_was_heard() -> None:
    async def converse(stage: Stage) -> None:
        await stage.be_quiet(0.2)
        await stage.speak()
        await stage.be_quiet(4)
        stage.hang_up()
        await stage.running

    watch = perform(converse).watch
    assert watch.began_as == ("call-1", "stream-1", "default", "inbound")
    assert [side for side, _ in watch.words] == ["caller", "bot"]
    assert watch.turns_said == [(1, True), (None, True)]


def test_what_the_caller_broke_into_is_not_complete() -> None:
    async def break_in(stage: Stage) -> None:
        await stage.be_quiet(1)
        await stage.talk(1.5)
        await stage.be_quiet(0.5)

    watch = perform(break_in, agent_options(greeting="This is a greeting that nobody has the patience to hear.")).watch
    assert (watch.words[0][0], watch.turns_said[0]) == ("bot", (None, False))
