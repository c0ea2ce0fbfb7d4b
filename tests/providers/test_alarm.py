import asyncio

from mediasrv.providers.alarm import Alarm
from tests.virtual import run_virtually


class Core:
    def __init__(self) -> None:
        self.due: float | None = None
        self.ticks: list[float] = []

    def tick(self, now: float) -> None:
        if self.due is not None and now >= self.due:
            self.ticks.append(now)
            self.due = None


async def ticking(*changes: tuple[float, float | None]) -> list[float]:
    """Set the deadline at some times, and return when the core was ticked with something due."""
    core = Core()
    alarm = Alarm(lambda: core.due, core.tick)
    for at_s, due in changes:
        await asyncio.sleep(at_s - asyncio.get_running_loop().time())
        core.due = due
        alarm.arm()
    await asyncio.sleep(100)
    return core.ticks


def test_the_tick_comes_at_the_deadline() -> None:
    assert run_virtually(ticking((0, 5.0))) == [5.0]


def test_a_deadline_that_comes_nearer_is_kept() -> None:
    assert run_virtually(ticking((0, 5.0), (1, 3.0))) == [3.0]


def test_a_deadline_that_moves_away_is_kept_too() -> None:
    assert run_virtually(ticking((0, 5.0), (1, 9.0))) == [9.0]


def test_no_deadline_no_tick() -> None:
    assert run_virtually(ticking((0, 5.0), (1, None))) == []


def test_a_cancelled_alarm_is_silent() -> None:
    async def cancel() -> list[float]:
        core = Core()
        core.due = 2.0
        alarm = Alarm(lambda: core.due, core.tick)
        alarm.arm()
        alarm.cancel()
        await asyncio.sleep(10)
        return core.ticks

    assert run_virtually(cancel()) == []
