from __future__ import annotations

import asyncio
import os
import time

import pytest

from mediasrv.call.effort import Work
from mediasrv.server import monitor
from mediasrv.server.options import ServerOptions
from tests.patience import WAIT_S, until
from tests.server.stage import STREAM, Stage, stage

FORM = {"CallUUID": "call-1", "From": "+911", "To": "+912", "Direction": "inbound"}
NEVER_BUSY = ServerOptions(port=0, max_busy_percent=10_000, max_lag_ms=10_000, recover_s=1)


async def measured(there: Stage, times: int) -> None:
    """Wait until the loop was measured so often."""
    async with asyncio.timeout(WAIT_S):
        while await there.metric("mediasrv_loop_lag_seconds_count") < times:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_an_idle_server_is_fit_and_its_lag_is_told() -> None:
    async with stage(NEVER_BUSY, sheds_load=True) as there:
        await measured(there, 1)
        assert await there.metric("mediasrv_load_level") == 0
        assert all(map(there.agency.effort.allows, Work))
        assert await there.get("/readyz") == (200, "ready\n")


async def test_who_was_answered_is_let_in_when_nobody_else_is_and_the_door_opens_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    async with stage(NEVER_BUSY, sheds_load=True) as there:
        assert "<Stream" in (await there.post("/plivo/answer", FORM))[1]
        there.agency.least_lead_s = 0.0
        await until(lambda: there.service._calls.refusal == "overloaded")
        assert await there.metric("mediasrv_load_level") == 3
        assert not any(map(there.agency.effort.allows, Work))
        assert await there.get("/readyz") == (503, "overloaded\n")
        assert "<Stream" not in (await there.post("/plivo/answer", FORM | {"CallUUID": "call-2"}))[1]
        assert "<Stream" in (await there.post("/plivo/answer", FORM))[1]
        with pytest.raises(ConnectionError, match="503"):
            await there.phone()
        phone = await there.phone(f"{STREAM}?call=call-1")
        phone.start("call-1")
        await phone.echo()
        there.agency.least_lead_s = 1.0
        await until(lambda: there.service._calls.refusal == "")
        assert not there.agency.effort.allows(Work.HEDGE)
        await phone.echo()
        await until(lambda: all(map(there.agency.effort.allows, Work)))
    levels = [record.__dict__["level"] for record in caplog.records if record.msg == "load changed"]
    assert levels == ["no speculation", "essential", "closed", "essential", "no speculation", "fit"]


def test_work_is_seen_with_and_without_the_kernels_help(monkeypatch: pytest.MonkeyPatch) -> None:
    def work() -> float:
        toil = monitor.Toil()
        before = toil.seconds()
        until_s = time.thread_time() + 0.05
        while time.thread_time() < until_s:
            pass
        after = toil.seconds()
        toil.close()
        toil.close()
        return after - before

    def fail(*_: object) -> int:
        raise FileNotFoundError

    assert work() >= 0.03
    monkeypatch.setattr(os, "open", fail)
    assert work() >= 0.05


async def test_who_is_told_not_to_leaves_nothing_out() -> None:
    async with stage(NEVER_BUSY, sheds_load=False) as there:
        there.agency.least_lead_s = 0.0
        await measured(there, 3)
        assert await there.get("/readyz") == (200, "ready\n")
