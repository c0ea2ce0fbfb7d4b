import asyncio
import math

from mediasrv.call.pacer import TICK_S, Pacer
from tests.virtual import run_virtually


class Lane:
    """Has something to send a given number of times, on every tick or seldom."""

    def __init__(self, times: int, every_s: float = 0.0) -> None:
        self.left = times
        self._every_s = every_s
        self.fed: list[float] = []

    def feed(self, now: float) -> float:
        self.fed.append(round(now, 6))
        self.left -= 1
        return now + self._every_s if self.left > 0 else math.inf


async def pace(*lanes: Lane) -> Pacer:
    pacer = Pacer()
    for lane in lanes:
        pacer.wake(lane.feed)
    await asyncio.sleep(1)
    return pacer


def test_a_call_is_fed_at_once_and_then_on_every_tick() -> None:
    lane = Lane(4)
    run_virtually(pace(lane))
    assert lane.fed == [0, round(TICK_S, 6), round(2 * TICK_S, 6), round(3 * TICK_S, 6)]


def test_a_call_that_wants_nothing_yet_is_left_alone_until_the_tick_behind_its_time() -> None:
    seldom, often = Lane(3, every_s=0.055), Lane(8)
    run_virtually(pace(seldom, often))
    assert seldom.fed == [0, 0.06, 0.12]
    assert len(often.fed) == 8


def test_a_call_with_nothing_more_is_left_alone() -> None:
    lane = Lane(1)
    run_virtually(pace(lane))
    assert lane.fed == [0]


def test_one_timer_serves_all_calls_and_sleeps_when_none_is_busy() -> None:
    async def count_timers() -> tuple[int, int]:
        loop = asyncio.get_running_loop()
        pacer = Pacer()
        lanes = [Lane(3) for _ in range(100)]
        for lane in lanes:
            pacer.wake(lane.feed)
        busy = len(loop._scheduled)  # type: ignore[attr-defined]
        await asyncio.sleep(1)
        return busy, len(loop._scheduled)  # type: ignore[attr-defined]

    busy, idle = run_virtually(count_timers())
    assert busy <= 2  # the pacer's, and the limit of the test itself
    assert idle < busy


def test_a_forgotten_call_is_not_fed() -> None:
    async def forget() -> list[float]:
        pacer = Pacer()
        lane = Lane(100)
        pacer.wake(lane.feed)
        pacer.forget(lane.feed)
        await asyncio.sleep(1)
        return lane.fed

    assert run_virtually(forget()) == [0]


def test_a_stall_is_followed_by_one_feeding_and_the_old_rhythm() -> None:
    async def stall() -> list[float]:
        loop = asyncio.get_running_loop()
        pacer = Pacer()
        lane = Lane(5)
        pacer.wake(lane.feed)
        loop.call_at(TICK_S / 2, lambda: setattr(loop, "time", lambda at=loop.time: at() + 0.107))
        await asyncio.sleep(1)
        return lane.fed

    assert run_virtually(stall()) == [0, 0.117, 0.12, 0.14, 0.16]


def test_a_call_may_be_forgotten_while_others_are_fed() -> None:
    async def forget() -> list[float]:
        pacer = Pacer()
        second = Lane(100)

        def first(now: float) -> float:
            pacer.forget(second.feed)
            return now if now < TICK_S * 3 else math.inf

        pacer.wake(second.feed)
        pacer.wake(first)
        await asyncio.sleep(1)
        return second.fed

    assert len(run_virtually(forget())) <= 2


def test_the_least_lead_is_told_once() -> None:
    pacer = Pacer()
    for lead_s in (0.2, 0.14, 0.16):
        pacer.tell_lead(lead_s)
    assert pacer.take_least_lead() == 0.14
    assert pacer.take_least_lead() == math.inf
