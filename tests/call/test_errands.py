"""Tasks that end with their call, and leave nothing behind."""

from __future__ import annotations

import asyncio
import gc
import weakref
from contextvars import Context

import pytest

from mediasrv.call.errands import Errands
from tests.virtual import run_virtually


class Thing:
    """Something that a task holds."""


def errands() -> Errands:
    return Errands("call-1", lambda context: None)


async def hold(thing: Thing) -> None:
    await asyncio.sleep(60.0)


def test_the_end_ends_every_task_and_its_first_cause_counts() -> None:
    async def act() -> None:
        work = errands()
        running = asyncio.create_task(work.run_until_ended(lambda: None))
        assert not work.can_begin
        await asyncio.sleep(0)
        task = work.spawn(hold(Thing()))
        assert task is not None
        assert work.can_begin
        work.end("enough")
        work.end("too late")
        await running
        assert (work.cause, work.are_over, task.cancelled()) == ("enough", True, True)
        assert work.spawn(hold(Thing())) is None

    run_virtually(act(), limit_s=5.0)


def test_nothing_begins_ahead_of_the_call() -> None:
    async def act() -> None:
        assert errands().spawn(hold(Thing())) is None

    run_virtually(act(), limit_s=5.0)


def test_a_task_that_fails_ends_the_call(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def act() -> str:
        work = errands()

        def begin() -> None:
            work.spawn(fail())

        await work.run_until_ended(begin)
        return work.cause

    assert run_virtually(act(), limit_s=5.0) == "internal error"
    assert "call failed" in caplog.text


def test_each_task_has_its_context_prepared() -> None:
    async def act() -> None:
        prepared: list[Context] = []
        work = Errands("call-1", prepared.append)
        own = Context()

        def begin() -> None:
            work.spawn(hold(Thing()))
            work.spawn(hold(Thing()), own)
            work.end("enough")

        await work.run_until_ended(begin)
        assert len(prepared) == 2
        assert prepared[1] is own

    run_virtually(act(), limit_s=5.0)


def test_a_task_that_was_cancelled_keeps_nothing_even_where_it_is_kept() -> None:
    async def act() -> None:
        work, thing = errands(), Thing()
        running = asyncio.create_task(work.run_until_ended(lambda: None))
        await asyncio.sleep(0)
        gone, task = weakref.ref(thing), work.spawn(hold(thing))
        del thing
        await asyncio.sleep(1.0)
        assert gone() is not None
        gc.disable()
        try:
            work.end("enough")
            await running
            await asyncio.sleep(1.0)
            assert task is not None
            assert task.cancelled()
            assert gone() is None
        finally:
            gc.enable()

    run_virtually(act(), limit_s=5.0)
