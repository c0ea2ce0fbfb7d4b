"""Who may stand at the door, and a thousand who never say what they want."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import pytest

from mediasrv.audio.format import MULAW_8K
from mediasrv.net.connection import FLOOD
from mediasrv.server import crowd
from mediasrv.server.crowd import CROWDED, TOO_MANY, Crowd
from mediasrv.wire.plivo_carrier import PlivoCarrierProtocol
from tests.net.peers import BINARY, CONTINUATION, PING, TEXT, frame, stranger
from tests.patience import until
from tests.server.stage import STREAM, stage


class Visitor:
    """A transport, as far as it matters here."""

    def __init__(self, host: Any) -> None:
        self.peer = (host, 40000) if host else ""
        self.was_sent_away = False

    def get_extra_info(self, name: str) -> Any:
        assert name == "peername"
        return self.peer

    def close(self) -> None:
        self.was_sent_away = True


class Gate:
    """A crowd, and what was said about those who had to go."""

    def __init__(self, most: int) -> None:
        self.refusals: list[str] = []
        self.crowd = Crowd(most, self.refusals.append)

    def enters(self, host: str) -> Visitor | None:
        visitor: Any = Visitor(host)
        return visitor if self.crowd.enter(visitor) else None


def test_an_address_has_so_many_connections_and_others_have_theirs() -> None:
    gate = Gate(2)
    first: Any = gate.enters("203.0.113.1")
    assert first
    assert gate.enters("203.0.113.1")
    assert gate.enters("203.0.113.1") is None
    assert gate.enters("203.0.113.2")
    assert gate.refusals == [TOO_MANY]
    gate.crowd.heard(first)
    assert gate.enters("203.0.113.1") is None
    gate.crowd.leave(first)
    gate.crowd.leave(first)
    assert gate.enters("203.0.113.1")
    assert gate.enters("203.0.113.1") is None


def test_nothing_is_kept_of_who_has_left() -> None:
    gate = Gate(2)
    for last in range(200):
        visitor: Any = gate.enters(f"203.0.113.{last}")
        gate.crowd.leave(visitor)
    assert not gate.crowd._connections
    assert not gate.crowd._address_of
    assert not gate.crowd.waiting


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::ffff:127.0.0.1", ""])
def test_this_machines_own_are_not_counted(host: str) -> None:
    gate = Gate(1)
    assert all(gate.enters(host) for _ in range(5))


def test_an_address_of_version_six_is_a_whole_network_and_a_mapped_one_is_of_version_four() -> None:
    gate = Gate(1)
    assert gate.enters("2001:db8::1")
    assert gate.enters("2001:db8::2") is None
    assert gate.enters("2001:db8:0:1::1")
    assert gate.enters("fe80::1%eth0")
    assert gate.enters("::ffff:203.0.113.1")
    assert gate.enters("203.0.113.1") is None


def test_without_a_limit_nobody_is_counted() -> None:
    gate = Gate(0)
    assert all(gate.enters("203.0.113.1") for _ in range(crowd.MOST_WAITING))
    assert not gate.refusals


def test_where_too_many_wait_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "MOST_WAITING", 3)
    gate = Gate(0)
    here: Any = [gate.enters("203.0.113.1") for _ in range(3)]
    gate.crowd.heard(here[0])
    assert gate.enters("203.0.113.1")
    assert gate.enters("203.0.113.1")
    assert [each.was_sent_away for each in here] == [False, True, False]
    assert gate.refusals == [CROWDED]
    gate.crowd.disperse()
    assert here[2].was_sent_away
    assert not here[0].was_sent_away


async def test_a_thousand_who_never_finish_are_borne_and_others_are_served() -> None:
    async with stage() as there, AsyncExitStack() as stack:
        for count in range(1000):
            peer = await stack.enter_async_context(stranger(there.port))
            # Some say nothing, some begin, some begin an upgrade.
            peer.writer.write((b"", b"GET /healthz HTTP/1.1\r\nHo", f"GET {STREAM} HTTP/1.1\r\n".encode())[count % 3])
        assert await there.get("/healthz") == (200, "alive\n")
        phone = await there.phone()
        phone.start()
        await phone.echo()
        assert there.service._crowd.waiting <= crowd.MOST_WAITING
        sent_away = await there.metric(f'mediasrv_refused_total{{reason="{CROWDED}"}}')
        assert 1000 - crowd.MOST_WAITING <= sent_away <= 1003 - crowd.MOST_WAITING
        await phone.echo()
    assert not there.service._crowd.waiting


async def test_one_connection_too_many_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "_address", lambda peer: peer[0])
    async with stage() as there:
        there.service._crowd._most_per_address = 2
        phone = await there.phone()
        phone.start()
        async with stranger(there.port) as idle, stranger(there.port) as refused:
            assert (await refused.head()).startswith("HTTP/1.1 429 ")
            assert await refused.rest() == TOO_MANY.encode() + b"\n"
            await phone.echo()
            idle.writer.write(b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert "200 OK" in await idle.head()
            await idle.rest()
        await phone.hang_up()
        # WebSockets and requests that are over count no longer.
        await until(lambda: not there.service._crowd._connections)
        assert await there.get("/healthz") == (200, "alive\n")


@pytest.mark.parametrize(
    "piece",
    [frame(TEXT, b"{}"), frame(BINARY), frame(PING, b"x"), frame(TEXT, fin=False) + frame(CONTINUATION)],
    ids=["messages", "nothing", "pings", "fragments"],
)
async def test_a_flood_is_cut_off_and_counted(piece: bytes) -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        async with stranger(there.port) as peer:
            await peer.upgrade(f"{STREAM}?call=flood")
            start = PlivoCarrierProtocol().start("flood", "s", MULAW_8K)
            peer.writer.write(frame(TEXT, start.encode()) + piece * 1100)
            await asyncio.wait({asyncio.create_task(peer.rest())})
            await until(lambda: len(there.agency.calls) < 2 or there.agency.calls[1].ended.done())
        assert await there.metric(f'mediasrv_refused_total{{reason="{FLOOD}"}}') == 1
        await phone.echo()


async def test_what_a_carrier_held_up_for_seconds_is_no_flood() -> None:
    async with stage() as there:
        phone = await there.phone()
        phone.start()
        for _ in range(250):
            phone.speak()
        for _ in range(250):
            await phone.hear()
        await phone.echo()
