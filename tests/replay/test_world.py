"""What a call waits for outside it waits for at a channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any

import pytest

from mediasrv.call.call import Call
from mediasrv.replay.world import END, Begin, Channel, World, answer, context_for, stream, world_of


class Ways(Channel):
    """A channel that gives what it is given."""

    def __init__(self, items: list[Any], words: AsyncIterator[str] | None = None, call: Any = None) -> None:
        super().__init__("reply 1", words, call)
        self.items = items
        self.closing: asyncio.Future[None] | None = None
        self.closed = 0

    def next(self) -> asyncio.Future[Any]:
        made = self._loop.create_future()
        if self.items:
            item = self.items.pop(0)
            (made.set_exception if isinstance(item, Exception) else made.set_result)(item)
        return made

    def close(self) -> asyncio.Future[None] | None:
        self.closed += 1
        return self.closing


class Nowhere(World):
    """A world in which nothing is."""

    def open(
        self, kind: str, begin: Begin, words: AsyncIterator[str] | None = None, call: Call | None = None
    ) -> Channel:
        return Ways([], words, call)

    def tell(self, work: Callable[..., Any], *arguments: Any) -> None:
        """Nobody is there."""


async def test_each_channel_has_a_name_of_its_own() -> None:
    world = Nowhere()
    assert [world.name(kind) for kind in ("reply", "reply", "tool", "reply")] == [
        "reply 1", "reply 2", "tool 1", "reply 3",
    ]  # fmt: skip


async def test_a_stream_is_read_to_its_end_and_closed() -> None:
    channel = Ways([1, 2, END, 3])
    assert [item async for item in stream(channel)] == [1, 2]
    assert (channel.items, channel.closed) == ([3], 1)


async def test_a_stream_that_is_left_waits_until_what_is_outside_has_stopped() -> None:
    channel = Ways([1])
    channel.closing = asyncio.get_running_loop().create_future()
    items = stream(channel)
    assert await anext(items) == 1
    leaving = asyncio.create_task(items.aclose())
    await asyncio.sleep(0)
    assert not leaving.done()
    channel.closing.set_result(None)
    await leaving
    assert channel.closed == 1


@pytest.mark.parametrize("fails", [False, True])
async def test_an_answer_is_one_item_and_closes(fails: bool) -> None:
    channel = Ways([ValueError("no")] if fails else ["yes"])
    channel.closing = asyncio.get_running_loop().create_future()
    channel.closing.set_result(None)
    if fails:
        with pytest.raises(ValueError, match="no"):
            await answer(channel)
    else:
        assert await answer(channel) == "yes"
    assert channel.closed == 1


async def _words(*given: str) -> AsyncGenerator[str]:
    for word in given:
        await asyncio.sleep(0)
        yield word


async def test_words_are_made_one_by_one_as_they_are_asked_for() -> None:
    channel, made = Ways([], _words("one", "two")), list[Any]()
    for count in (1, 2, 3):
        channel.pull(made.append)
        await channel_settles(channel)
        assert len(made) == count
    assert made == ["one", "two", END]


async def channel_settles(channel: Channel) -> None:
    assert channel._pulling is not None
    await asyncio.wait([channel._pulling])


async def test_words_that_are_not_wanted_any_more_stop() -> None:
    async def never() -> AsyncGenerator[str]:
        await asyncio.Event().wait()
        yield ""

    channel, made = Ways([], never()), list[Any]()
    channel.stop_pulling()
    channel.pull(made.append)
    await asyncio.sleep(0)
    channel.stop_pulling()
    await channel_settles(channel)
    await channel.settled()
    assert [type(each) for each in made] == [asyncio.CancelledError]


async def test_settling_waits_for_words_in_the_making_and_ends_the_rest() -> None:
    words = _words("one", "two")
    channel, made = Ways([], words), list[Any]()
    channel.pull(made.append)
    await channel.settled()
    assert made == ["one"]
    with pytest.raises(StopAsyncIteration):
        await anext(words)


class Acted:
    """A call that something is done to."""

    def __init__(self) -> None:
        self.written: list[Any] = []
        self.worlds: list[World | None] = []

    def write(self, frame: Any) -> None:
        self.written.append(frame)
        self.worlds.append(world_of.get())

    async def say(self, text: str, *, loud: bool = False) -> str:
        self.worlds.append(world_of.get())
        if text == "fail":
            raise ValueError("no voice")
        if text == "forever":
            await asyncio.Event().wait()
        return f"{text}{'!' if loud else '.'}"


async def test_what_is_done_to_a_call_is_done_within_its_world() -> None:
    world, call, outcomes = Nowhere(), Acted(), list[Any]()
    channel: Ways = context_for(world).run(Ways, [], None, call)
    assert world_of.get() is None
    channel.act(0, "write", ["frame"], {}, outcomes.append)
    assert call.written == ["frame"], "who writes does not wait"
    for number, text in enumerate(("hello", "fail", "forever"), start=1):
        channel.act(number, "say", [text], {"loud": True}, outcomes.append)
    await asyncio.wait(list(channel._acts.values())[:2])
    channel.stop_acting(3)
    channel.stop_acting(4)
    await asyncio.wait(channel._acts.values())
    hello, failed, cancelled = outcomes
    assert hello == "hello!"
    assert isinstance(failed, ValueError)
    assert isinstance(cancelled, asyncio.CancelledError)
    assert call.worlds == [world] * 4


async def test_contexts_of_worlds_do_not_mix() -> None:
    one, other = Nowhere(), Nowhere()
    assert context_for(one).run(world_of.get) is one
    assert context_for(one).run(lambda: context_for(other).run(world_of.get)) is other
    assert context_for(one).run(lambda: context_for(None).run(world_of.get)) is None
