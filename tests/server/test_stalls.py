from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import time

import pytest

from mediasrv.server.stalls import DEPTH, QUIET_S, StallWatch, stack_of
from tests.clock import Clock
from tests.patience import WAIT_S

LIMIT_S = 0.1


@pytest.fixture
def stalls() -> list[float]:
    return []


@pytest.fixture
def watch(clock: Clock, stalls: list[float]) -> StallWatch:
    return StallWatch(LIMIT_S, stalls.append, clock)


def test_a_loop_that_beats_is_left_alone(watch: StallWatch, clock: Clock, stalls: list[float]) -> None:
    for _ in range(10):
        clock.now += LIMIT_S * 0.9
        assert watch.look() == ""
        watch.beat()
    assert stalls == []


def test_a_stall_is_caught_once_with_what_the_loop_was_doing(
    watch: StallWatch, clock: Clock, stalls: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    clock.now += 1.5 * LIMIT_S
    stack = watch.look()
    assert "test_a_stall_is_caught_once" in stack
    assert watch.look() == ""
    clock.now += 1.0
    watch.beat()
    assert stalls == [pytest.approx(1.5 * LIMIT_S + 1.0)]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.records[0].__dict__["after_ms"] == 150


def test_one_place_is_told_of_once_a_minute(watch: StallWatch, clock: Clock, stalls: list[float]) -> None:
    told = []
    for _ in range(3):
        clock.now += 1.5 * LIMIT_S
        told.append(bool(watch.look()))
        watch.beat()
        clock.now += QUIET_S / 2
        watch.beat()
    assert told == [True, False, True]
    assert len(stalls) == 3


def test_a_thread_that_is_gone_has_no_stack(clock: Clock) -> None:
    made: list[StallWatch] = []
    thread = threading.Thread(target=lambda: made.append(StallWatch(LIMIT_S, print, clock)))
    thread.start()
    thread.join(WAIT_S)
    clock.now += 1.5 * LIMIT_S
    assert made[0].look() == ""


def test_a_stack_is_named_innermost_first_and_not_to_its_end() -> None:
    def deeper(levels: int) -> str:
        import sys

        return deeper(levels - 1) if levels else stack_of(sys._getframe())

    stack = deeper(30)
    assert stack.count(" < ") == DEPTH - 1
    assert "deeper" in stack.split(" < ")[0]
    assert f"({__name__}:" in stack


def test_the_thread_catches_a_real_stall_and_ends(caplog: pytest.LogCaptureFixture) -> None:
    stalls: list[float] = []
    watch = StallWatch(0.02, stalls.append)
    watch.start()
    end_s = time.monotonic() + WAIT_S
    while not caplog.records and time.monotonic() < end_s:
        sum(range(1000))
    watch.beat()
    watch.stop()
    watch.stop()
    assert "test_the_thread_catches_a_real_stall" in caplog.text
    assert len(stalls) == 1


async def test_a_loop_that_waits_for_events_does_not_stall() -> None:
    stalls: list[float] = []
    watch = StallWatch(0.0, stalls.append)
    looked = asyncio.get_running_loop().run_in_executor(None, _after_a_moment, watch)
    async with asyncio.timeout(WAIT_S):
        assert await looked == ""


def _after_a_moment(watch: StallWatch) -> str:
    time.sleep(0.05)
    return watch.look()


DEADLOCK = """
import gc, threading, time
from mediasrv.server.stalls import StallWatch

class Litter:
    def __init__(self):
        self.itself = self

    def __del__(self):
        time.sleep(0.001)  # lets another thread run

def begin_and_end():
    while not over.is_set():
        threading.Thread(target=int).start()

over = threading.Event()
gc.set_threshold(1, 1000, 1000)
threading.Thread(target=begin_and_end, daemon=True).start()
for _ in range(100):
    watch = StallWatch(0.0, print)
    watch._loop_thread = 0
    gc.disable()
    for _ in range(5):
        Litter()
    gc.enable()
    watch.look()
over.set()
"""


def test_who_looks_while_threads_begin_and_garbage_is_collected_stops_nobody() -> None:
    """Without the lock and the pause of the collector, Python 3.11 stands still at once."""
    done = subprocess.run([sys.executable, "-c", DEADLOCK], timeout=WAIT_S, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
