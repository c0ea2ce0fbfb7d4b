"""What comes into a call and what goes out, as it is written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from mediasrv.call.effort import Effort, Work
from mediasrv.call.observer import Observer
from mediasrv.replay.capture import Capture
from mediasrv.replay.loops import capturing
from mediasrv.replay.world import END, answer, context_for, stream, world_of
from tests.virtual import VirtualLoop


class Notes:
    """A capture, and what was written."""

    def __init__(self) -> None:
        self.lines: list[list[Any]] = []
        self.effort = Effort(Observer())
        self.capture = Capture(self.lines.append, self.effort)

    @property
    def kinds(self) -> list[str]:
        return [line[0] for line in self.lines]

    async def within(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Have something done by the call."""
        return await asyncio.get_running_loop().create_task(work, context=context_for(self.capture))


def run(act: Callable[[Notes], Coroutine[Any, Any, None]]) -> Notes:
    """Run an act in virtual time, on a loop that knows whose steps it takes."""

    async def play() -> Notes:
        notes = Notes()
        async with asyncio.timeout(60):
            await act(notes)
        return notes

    with asyncio.Runner(loop_factory=capturing(VirtualLoop)) as runner:
        return runner.run(play())


async def _two(channel: Any) -> AsyncGenerator[int]:
    assert world_of.get() is None, "what is asked stands outside"
    yield 1
    await asyncio.sleep(2)
    yield 2


def test_items_come_in_at_their_times_and_are_given_to_the_call() -> None:
    async def act(notes: Notes) -> None:
        async def read() -> list[tuple[int, float]]:
            loop = asyncio.get_running_loop()
            return [(item, loop.time()) async for item in stream(notes.capture.open("reply", _two))]

        assert await notes.within(read()) == [(1, 0.0), (2, 2.0)]

    lines = run(act).lines
    assert [(line[0], line[1], line[3:]) for line in lines] == [
        ("item", 0.0, ["reply 1", 1]),
        ("item", 2.0, ["reply 1", 2]),
        ("end", 2.0, ["reply 1"]),
    ]


@pytest.mark.parametrize("error", [ValueError("as it was"), asyncio.CancelledError()], ids=["failed", "cancelled"])
def test_a_stream_that_fails_does_so_within(error: BaseException) -> None:
    async def failing(channel: Any) -> AsyncGenerator[int]:
        raise error
        yield 0

    async def act(notes: Notes) -> None:
        with pytest.raises(type(error)):
            await notes.within(answer(notes.capture.open("tool", failing)))

    (line,) = run(act).lines
    assert (line[0], line[3]) == ("failed", "tool 1")
    assert isinstance(line[4], type(error))


def test_a_stream_that_is_left_is_closed_and_says_nothing_more() -> None:
    closed: list[str] = []

    async def endless(channel: Any) -> AsyncGenerator[int]:
        try:
            while True:
                yield 7
                await asyncio.sleep(1)
        finally:
            closed.append("outside")

    async def act(notes: Notes) -> None:
        assert await notes.within(answer(notes.capture.open("judged", endless))) == 7
        await asyncio.sleep(5)

    assert run(act).kinds == ["item", "closed"]
    assert closed == ["outside"]


def test_one_that_nobody_asked_has_nothing_to_close() -> None:
    async def act(notes: Notes) -> None:
        assert notes.capture.open("reply", _two).close() is None

    assert run(act).lines == []


def test_who_speaks_pulls_the_words_of_the_call() -> None:
    async def words() -> AsyncIterator[str]:
        for word in ("Good", "day."):
            assert world_of.get() is not None, "the words are made within"
            yield word

    async def speaking(channel: Any) -> AsyncGenerator[str]:
        async for word in channel.words():
            yield word.upper()

    async def act(notes: Notes) -> None:
        async def read() -> list[str]:
            return [piece async for piece in stream(notes.capture.open("speech", speaking, words()))]

        assert await notes.within(read()) == ["GOOD", "DAY."]

    assert run(act).kinds == ["pull", "item", "pull", "item", "pull", "end"]


def test_words_that_fail_do_so_to_who_speaks_them() -> None:
    async def words() -> AsyncIterator[str]:
        raise ValueError("no words")
        yield ""

    async def speaking(channel: Any) -> AsyncGenerator[str]:
        with pytest.raises(ValueError, match="no words"):
            await anext(channel.words())
        yield "nothing"

    async def act(notes: Notes) -> None:
        assert await notes.within(answer(notes.capture.open("speech", speaking, words()))) == "nothing"

    run(act)


def test_words_that_are_not_waited_for_are_not_wanted_any_more() -> None:
    async def words() -> AsyncIterator[str]:
        await asyncio.sleep(100)
        yield "late"

    async def impatient(channel: Any) -> AsyncGenerator[str]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(channel.words())
        yield "nothing"

    async def act(notes: Notes) -> None:
        assert await notes.within(answer(notes.capture.open("speech", impatient, words()))) == "nothing"

    assert run(act).kinds == ["pull", "stop pulling", "item", "closed"]


class Line:
    """A call, as far as it is acted upon."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, frame: str) -> None:
        self.written.append(frame)

    async def say(self, text: str, *, wait_s: float = 0.0) -> str:
        await asyncio.sleep(wait_s)
        if not text:
            raise ValueError("nothing to say")
        return f"heard {text}"


def test_what_an_agent_does_to_the_call_is_written_with_what_comes_of_it() -> None:
    line: Any = Line()

    async def agent(channel: Any) -> AsyncGenerator[str]:
        channel.acted_at_once("write", "samples")
        with pytest.raises(ValueError, match="nothing to say"):
            await channel.acted("say", "")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await channel.acted("say", "late", wait_s=50.0)
        yield await channel.acted("say", "hello")

    async def act(notes: Notes) -> None:
        assert await notes.within(answer(notes.capture.open("hook", agent, call=line))) == "heard hello"

    notes = run(act)
    assert line.written == ["samples"]
    assert [each[3:] for each in notes.lines if each[0] in ("act", "stop acting")] == [
        ["hook 1", 0, "write", ["samples"], {}],
        ["hook 1", 1, "say", [""], {}],
        ["hook 1", 2, "say", ["late"], {"wait_s": 50.0}],
        ["hook 1", 2],
        ["hook 1", 3, "say", ["hello"], {}],
    ]


def test_timers_of_the_call_go_off_as_something_that_comes_in() -> None:
    async def act(notes: Notes) -> None:
        async def wait() -> None:
            await asyncio.sleep(3)

        await notes.within(wait())

    (line,) = run(act).lines
    assert (line[0], line[1], line[3]) == ("timer", 3.0, 3.0)


def test_what_comes_in_while_the_call_takes_a_step_waits_for_its_end() -> None:
    done: list[str] = []

    async def act(notes: Notes) -> None:
        def outer() -> None:
            notes.capture.enter(lambda: done.append("inner"), "second")
            done.append("outer")

        notes.capture.enter(outer, "first")
        await asyncio.sleep(1)

    assert run(act).kinds == ["first", "second"]
    assert done == ["outer", "inner"]


def test_a_line_tells_behind_how_many_steps_it_came_where_some_were_left() -> None:
    async def act(notes: Notes) -> None:
        def enter() -> None:
            notes.capture.enter(lambda: None, "event")

        enter()
        for _ in range(2):
            asyncio.get_running_loop().call_soon(lambda: None, context=context_for(notes.capture))
        enter()
        await asyncio.sleep(1)
        enter()

    assert [line[2] for line in run(act).lines] == [None, 0, None]


def test_what_is_left_out_is_noted_before_what_comes_in_with_it() -> None:
    async def act(notes: Notes) -> None:
        notes.effort.leave_out([Work.TIMBRE])
        notes.capture.enter(lambda: None, "event")
        assert not notes.capture.effort.allows(Work.TIMBRE)
        notes.capture.enter(lambda: None, "event")
        notes.effort.leave_out([])
        notes.capture.enter(lambda: None, "event")

    notes = run(act)
    assert notes.kinds == ["left out", "event", "event", "left out", "event"]
    assert [line[1] for line in notes.lines if line[0] == "left out"] == [["timbre"], []]


def test_who_is_told_something_hears_it_outside() -> None:
    worlds: list[Any] = []

    async def act(notes: Notes) -> None:
        async def tell() -> None:
            notes.capture.tell(lambda: worlds.append(world_of.get()))

        await notes.within(tell())

    assert run(act).lines == []
    assert worlds == [None]


def test_nothing_stands_behind_the_end() -> None:
    async def act(notes: Notes) -> None:
        async def none(channel: Any) -> AsyncGenerator[int]:
            return
            yield 0

        assert await notes.within(answer(notes.capture.open("judged", none))) is END

    assert run(act).kinds == ["end"]
