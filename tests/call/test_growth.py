"""What a call leaves behind of its turns: its history, and nothing else."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections import Counter
from contextvars import Context, copy_context

from mediasrv.call.call import Call
from mediasrv.call.conversation import Conversation
from mediasrv.providers.base import Message
from tests.call.stage import Stage, agent_options, perform
from tests.counting import only_counting

ROOMS = ("mediasrv.call.", "mediasrv.turn.", "mediasrv.providers.", "mediasrv.wire.")


async def take_turns(stage: Stage, count: int) -> None:
    for _ in range(count):
        await stage.speak()
        await stage.be_quiet(4.0)


def living(stage: Stage) -> Counter[str]:
    """Objects of ours that are alive, by type, but for what the stage itself has noted, and tasks."""
    stage.commands.clear()
    stage.watch.traces.clear()
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    ours = Counter(
        kind.__qualname__ for kind in kinds if str(kind.__module__).startswith(ROOMS) and kind is not Message
    )
    return ours + Counter({"tasks": len(asyncio.all_tasks())})


def test_of_turns_that_are_over_nothing_is_kept_but_the_history() -> None:
    grown: Counter[str] = Counter()

    async def act(stage: Stage) -> None:
        await take_turns(stage, 3)
        before = living(stage)
        await take_turns(stage, 12)
        grown.update(living(stage) - before)
        assert len(stage.call._history.messages) >= 30

    perform(act)
    assert sum(grown.values()) < 12, grown


def test_of_a_reply_that_never_had_the_floor_nothing_is_left() -> None:
    async def act(stage: Stage) -> None:
        conversation = stage.call._conversation
        assert isinstance(conversation, Conversation)
        await stage.be_quiet(1.0)
        tasks = len(asyncio.all_tasks())
        saying = asyncio.create_task(stage.call.call.say("word " * 200))
        await stage.be_quiet(1.0)
        for turn in range(1, 4):
            conversation._answer_turn(turn, "Hello?", stage.now)
            await stage.be_quiet(1.0 if turn > 1 else 0.0)
            conversation._cancel_reply()
        await stage.be_quiet(1.0)
        saying.cancel()
        await asyncio.wait([saying])
        await stage.be_quiet(1.0)
        assert len(asyncio.all_tasks()) <= tasks

    perform(act, agent_options(tts={"ms_per_char": 50}))


def test_a_connection_that_was_opened_in_a_call_keeps_no_call_that_is_over() -> None:
    kept: list[Context] = []

    async def open_something(call: Call) -> None:
        # As transports do, and timers.
        kept.append(copy_context())

    async def act(stage: Stage) -> None:
        await take_turns(stage, 1)
        assert stage.call.instruct(open_something)
        await stage.be_quiet(1.0)
        call = weakref.ref(stage.call)
        await stage.let_go()
        gc.collect()
        assert len(kept) == 1
        assert call() is None

    perform(act)


def test_a_call_that_is_over_waits_for_no_collector() -> None:
    async def act(stage: Stage) -> None:
        with only_counting(*ROOMS) as waiting:
            await take_turns(stage, 2)
            await stage.speak()
            await stage.be_quiet(0.6)
            await stage.let_go()
        assert not waiting

    perform(act)
