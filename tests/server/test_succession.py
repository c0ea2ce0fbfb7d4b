from __future__ import annotations

import asyncio
import os
import signal

import pytest

from mediasrv.call.effort import Work
from mediasrv.errors import ConfigError
from mediasrv.server.contracts import Agency
from tests.patience import WAIT_S, until
from tests.server.stage import EchoAgency, stage


class Unfit(EchoAgency):
    async def start(self) -> None:
        raise ConfigError("no\nsuch model")


async def test_new_calls_go_to_the_newest_and_the_old_end_with_their_last() -> None:
    old, new = EchoAgency(), EchoAgency()
    async with stage(agency=old) as there:
        lasting, short = await there.phone(), await there.phone()
        lasting.start("a")
        short.start("b")
        await lasting.echo()
        await short.echo()
        there.service._agency.effort.leave_out({Work.HEDGE})
        await there.service._agency.replace(new)
        assert not new.effort.allows(Work.HEDGE)
        fresh = await there.phone()
        fresh.start("c")
        await fresh.echo()
        assert [len(old.calls), len(new.calls)] == [2, 1]
        old.least_lead_s = 0.1
        assert there.service._agency.take_least_lead() == 0.1
        await short.hang_up()
        await lasting.echo()
        assert old.is_started
        await lasting.hang_up()
        await until(lambda: not old.is_started)
        await fresh.echo()
    assert not new.is_started


async def test_what_cannot_start_changes_nothing() -> None:
    old = EchoAgency()
    async with stage(agency=old) as there:
        with pytest.raises(ConfigError):
            await there.service._agency.replace(Unfit())
        phone = await there.phone()
        phone.start()
        await phone.echo()
        assert len(old.calls) == 1


async def test_those_who_were_replaced_are_closed_with_the_server() -> None:
    old, new = EchoAgency(), EchoAgency()
    async with stage(agency=old) as there:
        phone = await there.phone()
        phone.start()
        await phone.echo()
        await there.service._agency.replace(new)
        assert old.is_started
    assert not old.is_started
    assert not new.is_started


async def test_sighup_renews_the_agents_and_a_mistake_is_one_line(caplog: pytest.LogCaptureFixture) -> None:
    made: list[EchoAgency] = []

    async def renew() -> Agency:
        made.append(Unfit() if not made else EchoAgency())
        return made[-1]

    caplog.set_level("INFO")
    async with stage() as there:
        running = asyncio.create_task(there.service.run(renew))
        await asyncio.sleep(0)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "configuration is refused, the old one stays: no such model" in caplog.messages)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: "reloaded" in caplog.messages)
        phone = await there.phone()
        phone.start()
        await phone.echo()
        assert len(made[-1].calls) == 1
        await phone.hang_up()
        there.service.stop()
        await asyncio.wait_for(running, WAIT_S)
