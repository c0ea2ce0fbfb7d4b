"""A call that is captured: what the server does to it, and what it does to the server."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Any, cast

import pytest

from mediasrv.call.observer import Observer
from mediasrv.call.pacer import Feed, Pacer
from mediasrv.replay.captured import CapturedCall, CapturedLink, CapturedPacer, distant_observer
from mediasrv.replay.world import context_for, world_of
from mediasrv.turn.callee import Kind
from mediasrv.wire.events import Clear, DtmfReceived
from tests.replay.test_capture import Notes, run


class Live:
    """A call, as the server drives it."""

    id = "call-1"
    call = None

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.takes_orders = True

    def _note(self, what: Any) -> None:
        self.done.append((what, world_of.get() is not None))

    def receive(self, event: Any) -> None:
        self._note(event)

    def callee_is(self, kind: Kind) -> None:
        self._note(kind)

    def end(self, cause: str) -> None:
        self._note(cause)

    def instruct(self, work: Callable[[Any], Any]) -> bool:
        self._note("instruct")
        return self.takes_orders

    async def run(self) -> str:
        self._note("run")
        await asyncio.sleep(3)
        self._note("over")
        return "caller hung up"


def _call(notes: Notes, live: Live, over: list[str]) -> CapturedCall:
    return CapturedCall(notes.capture, context_for(notes.capture), cast(Any, live), lambda: over.append("over"))


def test_what_the_server_does_to_a_call_comes_in_and_is_done_within() -> None:
    live = Live()

    async def act(notes: Notes) -> None:
        call = _call(notes, live, [])
        call.receive(DtmfReceived("7"))
        call.callee_is(Kind.MACHINE)
        call.end("the operator said so")
        assert call.takes_orders, "who only looks sees the call itself"

    lines = run(act).lines
    expected = [DtmfReceived("7"), Kind.MACHINE, "the operator said so"]
    assert [(line[0], line[3]) for line in lines] == list(zip(("event", "callee", "ended"), expected, strict=True))
    assert live.done == [(each, True) for each in expected]


@pytest.mark.parametrize("takes_orders", [True, False])
def test_whether_an_order_was_taken_is_told(takes_orders: bool) -> None:
    live = Live()
    live.takes_orders = takes_orders

    async def act(notes: Notes) -> None:
        async def work(call: Any) -> None:
            """Nothing."""

        assert _call(notes, live, []).instruct(work) is takes_orders

    assert run(act).kinds == ["instruct"]
    assert live.done == [("instruct", True)]


def test_a_call_is_run_within_and_its_end_is_told() -> None:
    live, over = Live(), list[str]()

    async def act(notes: Notes) -> None:
        assert await _call(notes, live, over).run() == "caller hung up"

    notes = run(act)
    assert notes.kinds == ["run", "timer"]
    assert live.done == [("run", True), ("over", True)]
    assert over == ["over"]


def test_a_call_that_is_cancelled_says_so_and_is_over() -> None:
    live, over = Live(), list[str]()

    async def act(notes: Notes) -> None:
        running = asyncio.create_task(_call(notes, live, over).run())
        await asyncio.sleep(1)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    assert run(act).kinds == ["run", "cancel"]
    assert live.done == [("run", True)]
    assert over == ["over"]


class Outside:
    """Takes what is told, and where from."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def send(self, command: Any) -> None:
        self.told.append((command, world_of.get()))

    def close(self) -> None:
        self.told.append(("closed", world_of.get()))


def test_what_goes_out_is_written_and_is_sent_from_outside() -> None:
    outside = Outside()

    async def act(notes: Notes) -> None:
        async def send() -> None:
            link = CapturedLink(notes.capture, outside)
            link.send(Clear())
            link.close()

        await notes.within(send())

    assert run(act).lines == [["sent", Clear()], ["closed link"]]
    assert outside.told == [(Clear(), None), ("closed", None)]


class Ticking(Pacer):
    """Ticks when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.feeds: list[Feed] = []

    def wake(self, feed: Feed) -> None:
        self.due_s = feed(0.0)
        self.feeds.append(feed)

    def forget(self, feed: Feed) -> None:
        self.feeds.remove(feed)


def test_the_first_feeding_is_the_calls_own_and_the_others_are_ticks() -> None:
    real = Ticking()
    fed: list[tuple[float, bool]] = []
    dues_s = [0.5, 1.5, math.inf]

    async def act(notes: Notes) -> None:
        def feed(now: float) -> float:
            fed.append((now, world_of.get() is not None))
            return dues_s[len(fed) - 1]

        pacer = CapturedPacer(notes.capture, real, context_for(notes.capture))
        context_for(notes.capture).run(pacer.wake, feed)
        assert real.due_s == 0.5
        assert notes.lines == []
        await asyncio.sleep(2)
        assert real.feeds[0](2.0) == 1.5
        assert real.feeds[0](2.0) == math.inf
        pacer.tell_lead(0.25)
        pacer.forget(feed)

    notes = run(act)
    assert [line[:2] for line in notes.lines] == [["tick", 2.0], ["tick", 2.0]]
    assert fed == [(0.0, True), (2.0, True), (2.0, True)]
    assert real.take_least_lead() == 0.25
    assert real.feeds == []


def test_an_observer_is_told_from_outside() -> None:
    told: list[Any] = []

    class Watching(Observer):
        def ended(self, call_id: str, cause: str) -> None:
            told.append((call_id, cause, world_of.get()))

        def reply_prepared(self, call_id: str, tokens: int, *, wasted: bool) -> None:
            told.append((tokens, wasted, world_of.get()))

    async def act(notes: Notes) -> None:
        async def tell() -> None:
            observer = distant_observer(notes.capture, Watching())
            observer.ended("call-1", "caller hung up")
            observer.reply_prepared("call-1", 7, wasted=True)

        await notes.within(tell())

    assert run(act).lines == []
    assert told == [("call-1", "caller hung up", None), (7, True, None)]
