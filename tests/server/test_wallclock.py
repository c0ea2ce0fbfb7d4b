"""A clock that is set does not break what was promised a moment before."""

from __future__ import annotations

import time

import pytest

from mediasrv.server.wallclock import HOLD_S, WallClock


class Clocks:
    """The one on the wall, and the one that nobody sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steady_s, self.ahead_s = 1_000.0, 1_700_000_000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.steady_s)
        monkeypatch.setattr(time, "time", lambda: self.steady_s + self.ahead_s)

    @property
    def wall_s(self) -> float:
        return time.time()


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def test_a_clock_that_nobody_sets_is_the_clock(clocks: Clocks) -> None:
    clock = WallClock()
    for _ in range(10):
        clocks.steady_s += 50
        clocks.ahead_s += 0.5
        assert clock.earliest() == clocks.wall_s


@pytest.mark.parametrize("leap_s", [1.5, 3600.0, 1e9])
def test_after_a_leap_forward_the_former_clock_counts_for_a_while(clocks: Clocks, leap_s: float) -> None:
    clock = WallClock()
    promised_s = clocks.wall_s + 120
    clocks.ahead_s += leap_s
    clocks.steady_s += 5
    assert clock.earliest() == promised_s - 115
    clocks.steady_s += HOLD_S
    assert clock.earliest() == clocks.wall_s


def test_after_a_leap_back_the_clock_counts_as_it_is(clocks: Clocks) -> None:
    clock = WallClock()
    clocks.ahead_s -= 3600
    assert clock.earliest() == clocks.wall_s
    clocks.ahead_s += 3600
    assert clock.earliest() == clocks.wall_s - 3600
