from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from redis.exceptions import RedisError

from mediasrv.call.link import CallDetails
from mediasrv.fleet import member as member_module
from mediasrv.fleet import registry as registry_module
from mediasrv.fleet.member import Member
from mediasrv.fleet.node import RegistryError
from tests.fleet.conftest import RedisServer, options_of
from tests.patience import WAIT_S, until

DETAILS = CallDetails("plivo")


@pytest.fixture(autouse=True)
def _in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_module, "BEAT_S", 0.05)
    monkeypatch.setattr(member_module, "AWAY_S", 0.1)
    monkeypatch.setattr(registry_module, "DEAD_MS", 1500)


@asynccontextmanager
async def member(redis: RedisServer, name: str, lost: Callable[[int], None] = print) -> AsyncIterator[Member]:
    each = Member(options_of(redis, name, redis_within_ms=500), 10, lost)
    await each.start()
    try:
        yield each
    finally:
        await each.aclose()


async def owned_by(asked: Member, call_id: str, name: str | None) -> None:
    """Wait until the fleet knows that a call is at a node, or nowhere."""
    async with asyncio.timeout(WAIT_S):
        while True:
            # A machine that is busy may let Redis seem away for a moment.
            with suppress(RedisError):
                if await asked._registry._redis.hget("mediasrv:calls", call_id) == name:
                    return
            await asyncio.sleep(0.01)


async def test_a_call_is_known_to_all_while_it_lives(redis: RedisServer) -> None:
    async with member(redis, "a") as a, member(redis, "b") as b:
        a.began("call-1", "stream-1", "default", DETAILS)
        await owned_by(b, "call-1", "a")
        assert await a.owner("call-1") is None
        a.ended("call-1", "caller hung up")
        await owned_by(b, "call-1", None)
        # What its carrier has to tell of it yet is for who had it.
        node = await b.owner("call-1")
        assert node is not None
        assert node.name == "a"
        assert not await b.is_lost("call-1")
        assert [node.name for node in await b.others()] == ["a"]


async def test_a_call_with_two_streams_lives_until_the_last_is_over(redis: RedisServer) -> None:
    async with member(redis, "a") as a, member(redis, "b") as b:
        a.began("call-1", "stream-1", "default", DETAILS)
        a.began("call-1", "stream-2", "default", DETAILS)
        a.ended("call-1", "transferred")
        a.began("call-2", "stream-3", "default", DETAILS)
        await owned_by(b, "call-2", "a")
        await owned_by(b, "call-1", "a")


async def test_calls_go_where_there_is_room(redis: RedisServer) -> None:
    async with member(redis, "a") as a, member(redis, "b"):
        placed = [await a.place(f"call-{number}") for number in range(21)]
        assert sum(node is not None and node.name == "a" for node in placed) == 10
        assert placed[-1] is None


async def test_the_calls_of_a_dead_node_are_told_as_lost_once(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    lost: list[int] = []
    async with member(redis, "a", lost.append), member(redis, "b", lost.append) as b:
        dead = Member(options_of(redis, "c"), 10, print)
        await dead.start()
        dead.began("call-1", "s", "default", DETAILS)
        dead.began("call-2", "s", "default", DETAILS)
        await owned_by(b, "call-2", "c")
        assert dead._task is not None
        dead._task.cancel()
        await until(lambda: bool(lost))
        await owned_by(b, "call-1", None)
        assert lost == [2]
        assert "a node is dead" in caplog.text
        assert caplog.text.count("a call is lost") == 2
        assert await b.is_lost("call-1")
        assert await b.owner("call-1") is None
        await dead._registry.aclose()


async def test_without_redis_questions_fail_at_once_and_all_is_told_when_it_is_back(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with member(redis, "a") as a, member(redis, "b") as b:
        a.began("before", "s", "default", DETAILS)
        await owned_by(b, "before", "a")
        redis.stop()
        await until(lambda: a.is_alone and b.is_alone)
        with pytest.raises(RegistryError):
            await b.place("call-1")
        a.began("meanwhile", "s", "default", DETAILS)
        a.ended("before", "caller hung up")
        await redis.start()
        await until(lambda: not a.is_alone and not b.is_alone)
        await owned_by(b, "meanwhile", "a")
        await owned_by(b, "before", None)
        assert caplog.text.count("out of sight") == caplog.text.count("in sight again") >= 2


async def test_a_redis_that_froze_learns_what_ended_meanwhile(redis: RedisServer) -> None:
    async with member(redis, "a") as a, member(redis, "b") as b:
        for call_id in ("call-1", "call-2"):
            a.began(call_id, "s", "default", DETAILS)
            await owned_by(b, call_id, "a")
        assert await a.place("call-3") is not None
        redis.tell(signal.SIGSTOP)
        await until(lambda: a.is_alone and b.is_alone)
        a.ended("call-1", "caller hung up")
        with pytest.raises(RegistryError):
            await b.cancel("call-3")
        redis.tell(signal.SIGCONT)
        await until(lambda: not a.is_alone and not b.is_alone)
        await owned_by(b, "call-1", None)
        await owned_by(b, "call-3", None)
        await owned_by(b, "call-2", "a")


async def test_who_is_killed_and_started_again_at_once_tells_what_was_lost(redis: RedisServer) -> None:
    lost: list[int] = []
    async with member(redis, "b") as b:
        killed = Member(options_of(redis, "a"), 10, print)
        await killed.start()
        killed.began("call-1", "s", "default", DETAILS)
        await owned_by(b, "call-1", "a")
        assert killed._task is not None
        killed._task.cancel()
        async with member(redis, "a", lost.append):
            assert lost == [1]
            assert await b.is_lost("call-1")
        await killed._registry.aclose()


async def test_a_redis_that_has_forgotten_all_sends_nobody_away(redis: RedisServer) -> None:
    async with member(redis, "a") as a:
        await a._registry._redis.flushall()
        # Until the next beat nobody is known, which is not the same as everybody being full.
        with suppress(RegistryError):
            assert await a.place("call-1") is not None


async def test_who_was_taken_for_dead_tells_its_calls_anew(redis: RedisServer) -> None:
    lost: list[int] = []
    async with member(redis, "a") as a, member(redis, "b", lost.append) as b:
        a.began("call-1", "s", "default", DETAILS)
        await owned_by(b, "call-1", "a")
        assert a._task is not None
        a._task.cancel()
        await until(lambda: lost == [1])
        a._task = asyncio.create_task(a._run())
        await owned_by(b, "call-1", "a")


async def test_a_fleet_whose_redis_comes_late_is_joined_then(redis: RedisServer) -> None:
    redis.stop()
    async with member(redis, "a") as a:
        assert a.is_alone
        a.began("call-1", "s", "default", DETAILS)
        await redis.start()
        await until(lambda: not a.is_alone)
        async with member(redis, "b") as b:
            await owned_by(b, "call-1", "a")


async def test_leaving_twice_is_leaving_once(redis: RedisServer) -> None:
    async with member(redis, "a") as a:
        await a.aclose()
