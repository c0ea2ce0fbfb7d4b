"""One timer for many steps, on virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import groupby

import pytest

from mediasrv.simulator.pacing import Paced, Pacing
from tests.virtual import VirtualLoop, run_virtually


class Diary:
    """A step that keeps its appointments and writes down when it was called."""

    def __init__(self, *appointments: float) -> None:
        self.calls: list[float] = []
        self._appointments: Iterator[float] = iter(appointments)

    def __call__(self, now: float) -> float | None:
        self.calls.append(round(now, 6))
        return next(self._appointments, None)


def pacing() -> Pacing:
    return Pacing(asyncio.get_running_loop().time)


def stall(duration_s: float) -> None:
    """Hold the virtual loop up."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    loop._jumping.now_s += duration_s


def test_a_step_is_called_when_it_asked_to_be() -> None:
    async def work() -> list[float]:
        diary = Diary(0.5, 0.52, 3.0)
        await pacing().enter(diary, 0.1).finished()
        return diary.calls

    assert run_virtually(work()) == [0.1, 0.5, 0.52, 3.0]


def test_many_steps_share_the_heap_in_the_order_of_their_times() -> None:
    order: list[str] = []

    def step(name: str) -> Callable[[float], None]:
        return lambda now: order.append(name)

    async def work() -> None:
        shared = pacing()
        steps = [shared.enter(step(name), when) for name, when in (("c", 0.3), ("a", 0.1), ("b", 0.2), ("d", 0.3))]
        await asyncio.gather(*(each.finished() for each in steps))

    run_virtually(work())
    assert order == ["a", "b", "c", "d"]


def test_a_stall_does_not_shift_the_schedule() -> None:
    async def work() -> list[float]:
        begun = asyncio.get_running_loop().time()
        diary = Diary(*(begun + frame * 0.02 for frame in range(2, 11)))
        paced = pacing().enter(diary, begun + 0.02)
        await asyncio.sleep(0.05)
        stall(0.08)
        await paced.finished()
        return diary.calls

    calls = run_virtually(work())
    assert calls == [0.02, 0.04, 0.13, 0.13, 0.13, 0.13, 0.14, 0.16, 0.18, 0.2]


def test_a_step_can_be_hurried_but_not_delayed() -> None:
    async def work() -> list[float]:
        diary = Diary(5.0)
        paced = pacing().enter(diary, 2.0)
        paced.hurry(3.0)
        paced.hurry(1.0)
        await paced.finished()
        return diary.calls

    assert run_virtually(work()) == [1.0, 5.0]


def test_an_appointment_that_was_moved_away_and_back_is_kept_once() -> None:
    async def work() -> list[float]:
        diary = Diary(2.0)
        paced = pacing().enter(diary, 2.0)
        paced.hurry(1.0)
        await paced.finished()
        await asyncio.sleep(2)
        return diary.calls

    assert run_virtually(work()) == [1.0, 2.0]


def test_a_step_that_fails_fails_alone() -> None:
    async def work() -> list[float]:
        shared = pacing()

        def fail(now: float) -> float:
            raise ZeroDivisionError

        failing, diary = shared.enter(fail, 1.0), Diary(2.0)
        going = shared.enter(diary, 1.0)
        with pytest.raises(ZeroDivisionError):
            await failing.finished()
        await going.finished()
        return diary.calls

    assert run_virtually(work()) == [1.0, 2.0]


def test_a_stopped_or_cancelled_step_is_called_no_more() -> None:
    async def work() -> tuple[list[float], list[float]]:
        shared = pacing()
        stopped, cancelled = Diary(1.0, 2.0), Diary(1.0, 2.0)
        first = shared.enter(stopped, 0.5)
        waiting = asyncio.create_task(shared.enter(cancelled, 0.5).finished())
        await asyncio.sleep(0.7)
        first.stop()
        first.stop()
        waiting.cancel()
        await first.finished()
        await asyncio.sleep(5)
        return stopped.calls, cancelled.calls

    assert run_virtually(work()) == ([0.5], [0.5])


def test_a_step_may_end_another_and_enter_a_new_one() -> None:
    async def work() -> list[float]:
        shared = pacing()
        ended, diary = Diary(), Diary()
        others: list[Paced] = [shared.enter(ended, 1.0)]

        def take_over(now: float) -> None:
            others[0].stop()
            others.append(shared.enter(diary, now + 0.5))

        await shared.enter(take_over, 0.9).finished()
        await others[1].finished()
        assert ended.calls == []
        return diary.calls

    assert run_virtually(work()) == [1.4]


def test_the_loop_reads_its_sockets_between_two_rounds() -> None:
    """A step that is always late must not keep the others of the loop from running."""

    async def work() -> list[str]:
        begun = asyncio.get_running_loop().time()
        order: list[str] = []

        def late(now: float) -> float | None:
            order.append("step")
            stall(0.05)
            steps = order.count("step")
            return begun + 0.02 * steps if steps < 8 else None

        async def reader() -> None:
            while not paced.is_finished:
                order.append("reader")
                await asyncio.sleep(0)

        paced = pacing().enter(late, begun)
        await asyncio.gather(paced.finished(), reader())
        return order

    order = run_virtually(work())
    assert [len(list(run)) for who, run in groupby(order) if who == "step"] == [1, 2, 5]


class Abandoned(BaseException):
    """What no step should raise."""


def test_a_step_that_breaks_out_costs_the_others_nothing() -> None:
    async def work() -> list[float]:
        told: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, failure: told.append(failure["exception"]))
        shared, diary = pacing(), Diary(0.5, 1.0)

        def break_out(now: float) -> float:
            raise Abandoned

        shared.enter(break_out, 0.2)
        await shared.enter(diary, 0.1).finished()
        assert [type(each) for each in told] == [Abandoned]
        return diary.calls

    assert run_virtually(work()) == [0.1, 0.5, 1.0]
