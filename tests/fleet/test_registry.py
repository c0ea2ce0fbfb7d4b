from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from mediasrv.errors import ConfigError
from mediasrv.fleet import registry as registry_module
from mediasrv.fleet.node import Buried, Node, RegistryError
from mediasrv.fleet.options import FleetOptions
from mediasrv.fleet.registry import Registry
from tests.fleet.conftest import RedisServer, options_of
from tests.patience import WAIT_S


@pytest.fixture
async def nodes(redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[Registry]]:
    """Three nodes that know of one another, with room for ten calls each; a machine that is busy is no dead one."""
    monkeypatch.setattr(registry_module, "DEAD_MS", 60_000)
    registries = [Registry(options_of(redis, name)) for name in ("a", "b", "c")]
    for each in registries:
        await each.beat(10, accepts=True)
    yield registries
    for each in registries:
        await each.aclose()


def name_of(node: Node | None) -> str:
    return node.name if node else ""


async def test_calls_are_spread_by_load(nodes: list[Registry]) -> None:
    placed = Counter([name_of(await nodes[0].reserve(f"call-{number}")) for number in range(30)])
    assert placed == {"a": 10, "b": 10, "c": 10}
    assert await nodes[1].reserve("one too many") is None


async def test_load_is_a_share_of_what_a_node_can_carry(nodes: list[Registry]) -> None:
    await nodes[1].beat(30, accepts=True)
    placed = Counter([name_of(await nodes[0].reserve(f"call-{number}")) for number in range(25)])
    assert placed["b"] == pytest.approx(15, abs=1)


async def test_a_call_that_is_asked_for_again_keeps_its_node(nodes: list[Registry]) -> None:
    first = await nodes[0].reserve("call-1")
    assert first is not None
    assert first.url == f"http://{first.name}:8080"
    assert await nodes[1].reserve("call-1") == first
    assert await nodes[2].owner("call-1") == first
    assert await nodes[2].owner("call-2") is None


async def test_who_is_not_known_is_told_so_and_not_that_all_are_full(nodes: list[Registry]) -> None:
    await nodes[0].leave()
    with pytest.raises(RegistryError, match="forgotten"):
        await nodes[0].reserve("call-1")


async def test_a_call_that_nobody_takes_keeps_no_slot(nodes: list[Registry]) -> None:
    tried: list[str] = []
    for _ in nodes:
        node = await nodes[0].reserve("call-1", tried)
        assert node is not None
        tried.append(node.name)
    assert await nodes[0].reserve("call-1", tried) is None
    assert await nodes[0].owner("call-1") is None
    assert {await _load(nodes[0], name) for name in "abc"} == {0}


async def _load(registry: Registry, name: str) -> int:
    return int(await registry._redis.zcard(f"mediasrv:node:{name}:reserved"))


async def test_two_who_ask_at_once_never_share_the_last_slot(nodes: list[Registry]) -> None:
    for each in nodes:
        await each.beat(1, accepts=True)
    found = await asyncio.gather(*(nodes[number % 3].reserve(f"call-{number}") for number in range(20)))
    assert sorted(name_of(node) for node in found if node) == ["a", "b", "c"]


async def test_a_node_that_accepts_nothing_or_did_not_answer_gets_nothing(nodes: list[Registry]) -> None:
    await nodes[0].beat(10, accepts=False)
    assert {name_of(await nodes[0].reserve(f"call-{number}", tried=["b"])) for number in range(5)} == {"c"}
    assert name_of(await nodes[0].reserve("call-0", tried=["c"])) == "b"


async def test_a_live_call_takes_its_slot_until_it_is_released(nodes: list[Registry]) -> None:
    for each in nodes:
        await each.beat(1, accepts=True)
    await nodes[0].claim(["x"])
    await nodes[1].claim(["y"])
    assert name_of(await nodes[0].reserve("call-1")) == "c"
    assert await nodes[0].reserve("call-2") is None
    await nodes[0].release(["x"])
    assert name_of(await nodes[0].reserve("call-2")) == "a"
    assert name_of(await nodes[0].owner("y")) == "b"


async def test_a_call_that_turns_up_elsewhere_is_there(nodes: list[Registry]) -> None:
    reserved = await nodes[0].reserve("call-1")
    elsewhere = next(each for each, name in zip(nodes, "abc", strict=True) if name != name_of(reserved))
    await elsewhere.claim(["call-1"])
    assert name_of(await nodes[0].owner("call-1")) not in ("", name_of(reserved))
    assert reserved is not None
    await nodes["abc".index(reserved.name)].release(["call-1"])
    assert await nodes[0].owner("call-1") is not None


async def test_a_reservation_that_is_not_taken_up_ends(nodes: list[Registry], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_module, "RESERVED_MS", 1)
    for each in nodes:
        await each.beat(1, accepts=True)
    for number in range(6):
        assert await nodes[0].reserve(f"call-{number}") is not None
        await asyncio.sleep(0.005)


async def test_a_dead_node_is_buried_once_with_its_calls(nodes: list[Registry]) -> None:
    await nodes[2].claim(["x", "y"])
    assert await nodes[0].bury() == []
    # It has told nothing since 1970.
    await nodes[0]._redis.zadd("mediasrv:nodes", {"c": 0})
    assert await nodes[0].owner("x") is None
    assert await nodes[0].is_lost("x")
    told = [await each.bury() for each in nodes[:2]]
    assert [(node.name, sorted(node.calls)) for node in told[0]] == [("c", ["x", "y"])]
    assert told[1] == []
    assert {name_of(await nodes[0].reserve(f"call-{number}")) for number in range(6)} == {"a", "b"}
    assert not await nodes[2].beat(10, accepts=True)
    assert await nodes[2].beat(10, accepts=True)


async def test_a_call_that_went_on_elsewhere_is_not_lost_with_its_first_node(nodes: list[Registry]) -> None:
    await nodes[2].claim(["moves", "moved and ended", "stays"])
    for call in ("moves", "moved and ended"):
        chosen = name_of(await nodes[0].reserve(call, ["c", "b"]))
        assert chosen == "a"
        await nodes[0].claim([call])
    await nodes[0].release(["moved and ended"])
    await nodes[0]._redis.zadd("mediasrv:nodes", {"c": 0})
    assert [(node.name, node.calls) for node in await nodes[1].bury()] == [("c", ("stays",))]
    assert [await nodes[1].is_lost(call) for call in ("moves", "moved and ended", "stays")] == [False, False, True]
    assert name_of(await nodes[1].owner("moves")) == "a"


async def test_who_leaves_gets_no_call_and_is_no_loss(nodes: list[Registry], monkeypatch: pytest.MonkeyPatch) -> None:
    await nodes[0].claim(["x"])
    await nodes[0].leave()
    await nodes[1].leave()
    assert {name_of(await nodes[2].reserve(f"call-{number}")) for number in range(5)} == {"c"}
    assert name_of(await nodes[2].owner("x")) == "a"
    monkeypatch.setattr(registry_module, "DEAD_MS", 1)
    await asyncio.sleep(0.01)
    await nodes[2].beat(10, accepts=True)
    assert Buried("b", ()) not in await nodes[2].bury()


async def test_a_redis_that_is_gone_is_an_error_soon(nodes: list[Registry], redis: RedisServer) -> None:
    redis.stop()
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(RegistryError, match="redis does not answer"):
            await nodes[0].reserve("call-1")


async def test_a_redis_that_hangs_is_an_error_soon() -> None:
    silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(30), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    options = FleetOptions(
        redis_url=f"redis://127.0.0.1:{port}", node="a", url="https://x.in", internal_url="http://a", secret="s"
    )
    registry = Registry(options)
    async with asyncio.timeout(WAIT_S):
        with pytest.raises(RegistryError):
            await registry.owner("call-1")
    await registry.aclose()
    silent.close()


def test_a_url_that_is_none_is_the_operators_to_mend() -> None:
    with pytest.raises(ConfigError, match="redis_url"):
        Registry(FleetOptions(redis_url="voice", node="a", url="https://x.in", internal_url="http://a", secret="s"))
    with pytest.raises(ConfigError, match=r"fleet\.secret"):
        FleetOptions(redis_url="redis://x", node="a", url="https://x.in", internal_url="http://a")
    assert not FleetOptions().is_on
