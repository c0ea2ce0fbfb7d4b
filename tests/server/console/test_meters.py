"""Levels are measured while somebody watches, of what he watches, and of nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mediasrv.server.console import meters
from tests.patience import WAIT_S, until
from tests.server.console.stage import ConsoleStage, console


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "EVERY_S", 0.01)


def ear_is_measured(stage: ConsoleStage, call_id: str) -> bool:
    call: Any = stage.service._calls.live_call(call_id)
    return call._ear.levels is not None and call._mouth.audience.levels is not None


async def test_a_call_is_measured_while_it_is_watched_and_no_longer(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage:
        phone = await stage.ring("call-1")
        await stage.ring("call-2")
        assert not ear_is_measured(stage, "call-1")
        async with stage.watching("call-1") as watching:
            phone.speak()
            levels = await watching.next("levels")
            assert set(levels) == {"call-1"}
            assert ear_is_measured(stage, "call-1")
            assert not ear_is_measured(stage, "call-2")
        await until(lambda: not stage.gallery.is_visited)
        await until(lambda: not ear_is_measured(stage, "call-1"))


async def test_the_bot_is_seen_to_speak(tmp_path: Path) -> None:
    greeting = "Good day to all of you out there."
    async with console(tmp_path, keeps=False, greeting=greeting) as stage, stage.watching() as watching:
        await stage.ring("call-1")
        async with asyncio.timeout(WAIT_S):
            while (await watching.next("levels")).get("call-1", [-96, -96])[1] < -40:
                pass


async def test_a_call_that_is_over_is_measured_no_more(tmp_path: Path) -> None:
    async with console(tmp_path, keeps=False) as stage, stage.watching() as watching:
        phone = await stage.ring("call-1")
        while not await watching.next("levels"):
            pass
        await phone.hang_up()
        assert (await watching.next("ended"))["call"] == "call-1"
        while await watching.next("levels"):
            pass
