"""Loops tell the steps of a call from all others, and keep its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvloop

from mediasrv.call.call import Call
from mediasrv.replay.loops import Capturing, ReplayLoop, capturing
from mediasrv.replay.world import Begin, Channel, World, context_for, world_of
from tests.patience import WAIT_S


class Watched(World):
    """A world that counts."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[Any] = []
        self.handles: list[asyncio.Handle] = []
        self.timers: list[asyncio.TimerHandle] = []

    def open(
        self, kind: str, begin: Begin, words: AsyncIterator[str] | None = None, call: Call | None = None
    ) -> Channel:
        raise AssertionError("nothing is opened")

    def tell(self, work: Callable[..., Any], *arguments: Any) -> None:
        raise AssertionError("nobody is told")

    # -- as a capture --------------------------------------------------------------------------------------------

    def outside(self) -> Any:
        return context_for(None)

    def planned(self) -> None:
        self.told.append("planned")

    def step(self, callback: Callable[..., object], *arguments: Any) -> None:
        self.told.append("step")
        callback(*arguments)

    def fire(self, due: float, within: Any, callback: Callable[..., object], *arguments: Any) -> None:
        self.told.append(("fire", due, world_of.get()))
        within.run(callback, *arguments)

    # -- as a replay ---------------------------------------------------------------------------------------------

    def plan(self, handle: asyncio.Handle) -> None:
        self.handles.append(handle)

    def set_timer(self, handle: asyncio.TimerHandle) -> None:
        self.timers.append(handle)


BASES = pytest.mark.parametrize("base", [asyncio.SelectorEventLoop, uvloop.Loop], ids=["asyncio", "uvloop"])


def _run(base: Any, act: Callable[[Any, Watched], Any]) -> Watched:
    world = Watched()

    async def play() -> None:
        await asyncio.wait_for(act(asyncio.get_running_loop(), world), WAIT_S)

    with asyncio.Runner(loop_factory=capturing(base)) as runner:
        runner.run(play())
    return world


@BASES
def test_steps_of_a_call_are_told_and_no_others(base: Any) -> None:
    async def act(loop: Any, world: Watched) -> None:
        done: list[str] = []
        loop.call_soon(done.append, "outside")
        loop.call_soon(done.append, "within", context=context_for(world))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert done == ["outside", "within"]
        assert isinstance(loop, Capturing)

    assert _run(base, act).told == ["planned", "step"]


@BASES
def test_time_stands_still_in_a_call(base: Any) -> None:
    async def act(loop: Any, world: Watched) -> None:
        world.now = 7.0
        assert context_for(world).run(loop.time) == 7.0
        assert context_for(world).run(loop.clock) == pytest.approx(loop.time(), abs=WAIT_S)
        assert loop.time() != 7.0

    _run(base, act)


@BASES
def test_a_timer_of_a_call_comes_in_from_outside_at_the_time_that_the_call_set(base: Any) -> None:
    async def act(loop: Any, world: Watched) -> None:
        world.now = loop.clock()
        rang, seen = asyncio.Event(), list[World | None]()

        def ring() -> None:
            seen.append(world_of.get())
            rang.set()

        timer = context_for(world).run(loop.call_later, 0.02, ring)
        never = context_for(world).run(loop.call_later, 0.01, seen.append, None)
        never.cancel()
        await rang.wait()
        assert seen == [world]
        assert world.told == [("fire", world.now + 0.02, None)]
        assert not timer.cancelled()
        loop.call_later(0.0, world.told.append, "not ours")
        await asyncio.sleep(0.01)

    assert _run(base, act).told[1:] == ["not ours"]


def test_a_replay_takes_no_step_of_a_call_by_itself() -> None:
    world, done = Watched(), list[Any]()
    world.now = 100.0

    def begin(loop: asyncio.AbstractEventLoop) -> None:
        within = context_for(world)
        within.run(loop.call_soon, done.append, "soon")
        within.run(loop.call_later, 5.0, done.append, "later")
        loop.create_task(_add(done), context=within)
        loop.call_soon(done.append, "outside")
        loop.call_later(0.01, proceed, loop)

    def proceed(loop: asyncio.AbstractEventLoop) -> None:
        assert done == ["outside"]
        for handle in (*world.handles, *world.timers):
            handle._run()
        world.timers[0].cancel()
        over.set_result(None)

    with asyncio.Runner(loop_factory=ReplayLoop) as runner:
        # Not as a task: that of the call is stepped within.
        over = runner.get_loop().create_future()
        runner.get_loop().call_soon(begin, runner.get_loop())
        runner.get_loop().run_until_complete(over)
    assert done == ["outside", "soon", ("task", 100.0), "later"]
    assert [timer.when() for timer in world.timers] == [105.0]


async def _add(done: list[Any]) -> None:
    done.append(("task", asyncio.get_running_loop().time()))
