"""Servers of a fleet in one process, on ports of their own, with a real Redis between them."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
import pytest

from mediasrv.carriers.options import PlivoOptions
from mediasrv.fleet import member as member_module
from mediasrv.fleet import registry as registry_module
from mediasrv.fleet.member import Member
from mediasrv.fleet.options import FleetOptions
from mediasrv.server import courier
from mediasrv.server.courier import HANDED_ON
from mediasrv.server.fleetgate import Membership
from mediasrv.server.options import ServerOptions
from mediasrv.server.service import Service
from mediasrv.wire.signature import sign_v3
from tests.fleet.conftest import UNHURRIED_MS, RedisServer, redis
from tests.net.peers import stranger
from tests.patience import WAIT_S
from tests.server.stage import EchoAgency, Stage

__all__ = ["redis"]
FLEET = "https://voice.example.in"
TOKEN = "test_token_0123456789"
NONCE = "05429567804466091622"


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(member_module, "BEAT_S", 0.05)
    monkeypatch.setattr(member_module, "AWAY_S", 0.1)
    # A machine that is busy is no dead one.
    monkeypatch.setattr(registry_module, "DEAD_MS", 60_000)
    monkeypatch.setattr(courier, "ANSWER_WITHIN_S", 20.0)
    monkeypatch.setattr(courier, "CONNECT_WITHIN_S", 10.0)


class Fleet:
    """Nodes by name, and a carrier that calls any of them at the fleet's address."""

    def __init__(self, stages: dict[str, Stage], members: dict[str, Member]) -> None:
        self.stages, self.members = stages, members
        self._nonces = 0

    async def ask(self, node: str, path: str, call_id: str = "call-1", **more: str) -> tuple[int, str]:
        """Send a signed webhook to the fleet, which lands on this node."""
        form = {"CallUUID": call_id, "From": "15550001", "To": "15550002", **more}
        self._nonces += 1
        nonce = f"{NONCE}{self._nonces}"
        signature = sign_v3(TOKEN, "POST", f"{FLEET}{path}", nonce, {name: [v] for name, v in form.items()})
        headers = {
            "Host": "voice.example.in",
            "X-Plivo-Signature-V3": signature,
            "X-Plivo-Signature-V3-Nonce": nonce,
        }
        return await self.stages[node].post(path, form, headers)

    async def placed(self, node: str, call_id: str) -> str:
        """Where a call was sent that asked this node for its document."""
        status, document = await self.ask(node, "/plivo/answer", call_id)
        assert status == 200
        found = re.search(r"wss?://(\w+)\.example\.in/plivo/stream", document)
        return found.group(1) if found else "busy" if "busy" in document else document


@asynccontextmanager
async def fleet(
    redis: RedisServer, names: str = "abc", max_calls: int = 2, more: Callable[[], Mapping[str, Any]] = dict
) -> AsyncIterator[Fleet]:
    """``more`` makes what else a node's ``Service`` is given."""
    stages: dict[str, Stage] = {}
    members: dict[str, Member] = {}
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_S)))
        for name in names:
            with_port = await _free_port()
            options = FleetOptions(
                redis_url=redis.url,
                node=name,
                url=FLEET,
                internal_url=f"http://127.0.0.1:{with_port}",
                secret="the fleet's secret",
                redis_within_ms=UNHURRIED_MS,
            )
            members[name] = Member(options, max_calls, print)
            server = ServerOptions(
                port=with_port, max_calls=max_calls, public_url=f"https://{name}.example.in", sheds_load=False
            )
            agency = EchoAgency()
            membership = Membership(options, members[name])
            service = Service(server, PlivoOptions(auth_token=TOKEN), agency, fleet=membership, **more())
            await service.start()
            stack.push_async_callback(service.aclose)
            stages[name] = Stage(service, agency, session)
        yield Fleet(stages, members)


async def _free_port() -> int:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return port


async def test_calls_that_land_on_one_node_are_shared_by_all(redis: RedisServer) -> None:
    async with fleet(redis) as there:
        placed = [await there.placed("a", f"call-{number}") for number in range(7)]
        assert Counter(placed) == {"a": 2, "b": 2, "c": 2, "busy": 1}
        assert {name: len(stage.agency.prepared) for name, stage in there.stages.items()} == {"a": 2, "b": 2, "c": 2}


async def test_a_call_that_asks_again_elsewhere_gets_the_same_node(redis: RedisServer) -> None:
    async with fleet(redis) as there:
        first = await there.placed("a", "call-1")
        assert await there.placed("b", "call-1") == first


async def test_a_word_about_a_call_reaches_the_node_that_has_it(redis: RedisServer) -> None:
    async with fleet(redis) as there:
        owner = await there.placed("a", "call-1")
        other = next(name for name in "abc" if name != owner)
        status, _ = await there.ask(other, "/plivo/callback/status", Event="Ring", CallStatus="ringing")
        assert status == 200
        # Another leg's words name the call that it is for in their URL.
        assert (await there.ask(other, "/plivo/callback/status?call=call-1", "callee", Event="Ring"))[0] == 200
        told = {
            name: await stage.metric('mediasrv_callbacks_total{event="Ring"}') for name, stage in there.stages.items()
        }
        assert told == {name: 2.0 * (name == owner) for name in "abc"}


async def test_a_node_that_does_not_answer_is_passed_over(redis: RedisServer) -> None:
    async with fleet(redis, "ab") as there:
        members = there.members
        options = FleetOptions(
            redis_url=redis.url, node="dead", url=FLEET, internal_url="http://127.0.0.1:9", secret="s"
        )
        dead = Member(options, 1000, print)
        await dead.start()
        assert {await there.placed("a", f"call-{number}") for number in range(4)} <= {"a", "b"}
        assert not members["a"].is_alone
        await dead.aclose()


async def test_without_redis_each_answers_by_itself(redis: RedisServer) -> None:
    async with fleet(redis, "ab") as there:
        redis.stop()
        async with asyncio.timeout(WAIT_S):
            while not there.members["b"].is_alone:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert await there.placed("b", "call-1") == "b"
        assert await there.placed("b", "call-2") == "b"
        assert await there.placed("a", "call-3") == "a"


async def test_who_is_no_carrier_reserves_nothing_and_who_is_no_node_hands_on_nothing(redis: RedisServer) -> None:
    async with fleet(redis, "ab", max_calls=1) as there:
        form = {"CallUUID": "call-x", "From": "1", "To": "2"}
        for _ in range(3):
            assert await there.stages["a"].post("/plivo/answer", form) == (403, "forbidden\n")
            forged = {HANDED_ON: "a guess"}
            assert await there.stages["a"].post("/plivo/answer", form, forged) == (403, "forbidden\n")
            async with stranger(there.stages["a"].port) as peer:
                peer.writer.write(f"POST /plivo/answer HTTP/1.1\r\nHost: x\r\n{HANDED_ON}: ".encode() + b"\xff\r\n\r\n")
                assert (await peer.head()).startswith("HTTP/1.1 403 ")
        placed: list[Any] = [await there.placed("a", f"call-{number}") for number in range(2)]
        assert sorted(placed) == ["a", "b"]


async def test_who_has_no_room_after_all_is_passed_over_and_keeps_no_slot(redis: RedisServer) -> None:
    async with fleet(redis, "ab") as there:
        # The registry learns of it with the next beat; here, never.
        there.members["b"].accepts = lambda: True
        there.stages["b"].service._calls._admission.is_draining = True
        assert [await there.placed("a", f"call-{number}") for number in range(3)] == ["a", "a", "busy"]
        there.stages["a"].service._calls._admission.is_draining = True
        there.members["a"].accepts = lambda: True
        assert await there.placed("a", "call-4") == "busy"
        assert await there.members["a"].owner("call-4") is None


async def test_who_hangs_up_before_his_stream_has_come_frees_his_slot(redis: RedisServer) -> None:
    async with fleet(redis, "ab", max_calls=1) as there:
        assert {await there.placed("a", f"call-{number}") for number in range(2)} == {"a", "b"}
        for number in range(2):
            await there.ask("a", "/plivo/callback/status", f"call-{number}", Event="Hangup", CallStatus="completed")
        assert {await there.placed("b", f"call-{number}") for number in range(2, 4)} == {"a", "b"}


async def test_a_stream_that_did_not_get_through_to_one_node_is_opened_at_another(redis: RedisServer) -> None:
    async with fleet(redis, "ab") as there:
        first = await there.placed("a", "call-1")
        for asked in "ab":
            status, document = await there.ask(asked, "/plivo/after?call=call-1")
            assert status == 200
            assert f"wss://{'ab'.replace(first, '')}.example.in/plivo/stream" in document
            assert f"{FLEET}/plivo/after?call=call-1&amp;last=1</Redirect>" in document
            first = "ab".replace(first, "")
        _, document = await there.ask("a", "/plivo/after?call=call-1&last=1")
        assert "something went wrong" in document
        _, document = await there.ask("a", "/plivo/after?call=nobody", "nobody knows it")
        assert "Stream" not in document
