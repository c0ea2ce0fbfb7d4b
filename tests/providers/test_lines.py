"""Sockets opened ahead."""

from __future__ import annotations

import asyncio

import pytest

from mediasrv.audio.format import L16_16K
from mediasrv.providers import lines
from native_bench.standins.base import Fault
from tests.patience import until
from tests.providers.stt import VENDORS, calling, open_sockets, site

NOVA = VENDORS[0]


async def test_each_call_takes_a_line_of_its_own() -> None:
    async with site(NOVA) as there:
        await asyncio.gather(there.stt.prepare(), there.stt.prepare())
        async with calling(there.stt) as one, calling(there.stt) as other, calling(there.stt) as third:
            for caller in (one, other, third):
                await caller.begin("w65")
                assert (await caller.ask(1)).text == "w65"
        assert there.standin.connections == 3


async def test_a_line_that_broke_while_it_waited_is_passed_over() -> None:
    async with site(NOVA, [Fault("close")]) as there:
        await there.stt.prepare()
        await there.emptied()
        await asyncio.sleep(0.02)
        async with calling(there.stt) as caller:
            await caller.begin("w65")
            assert (await caller.ask(1)).text == "w65"
        assert there.standin.connections == 2


async def test_a_line_that_nobody_takes_is_hung_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_KEEP_S", 0.05)
    async with site(NOVA) as there:
        before = open_sockets()
        await there.stt.prepare()
        await there.stt.prepare()
        await until(lambda: open_sockets() == before)
        async with calling(there.stt) as caller:
            await caller.begin("w65")
            await caller.ask(1)
        assert there.standin.connections == 3


async def test_lines_are_hung_up_with_the_provider() -> None:
    async with site(NOVA) as there:
        before = open_sockets()
        await there.stt.prepare()
        await there.stt.aclose()
        await until(lambda: open_sockets() == before)


async def test_a_vendor_that_refuses_is_left_to_the_call_to_complain_of() -> None:
    async with site(NOVA, [Fault("refuse"), Fault("refuse", status=402)]) as there:
        await there.stt.prepare()
        async with calling(there.stt) as caller:
            assert "402" in str(await caller.failure())


async def test_there_is_an_end_to_preparations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "_MOST", 2)
    async with site(NOVA) as there:
        for _ in range(4):
            await there.stt.prepare()
        assert there.standin.connections == 2


async def test_a_line_of_another_format_is_of_no_use() -> None:
    async with site(NOVA) as there:
        await there.stt.prepare()
        async with calling(there.stt, L16_16K) as caller:
            await caller.begin("w65")
            assert (await caller.ask(1)).text == "w65"
        assert there.standin.connections == 2
