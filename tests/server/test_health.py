from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis.strategies import floats, lists, tuples

from mediasrv.server.health import (
    EASED,
    EASY,
    LEAD_EVERY_S,
    LEAST_LEAD_S,
    LEAST_RATE,
    RECOVERING_S,
    SHARES,
    Health,
    Level,
    Measured,
)

EVERY_S = 0.05
RECOVER_S = 3.0
FINE = Measured(0.0005, 0.3)


class Process:
    """A health with a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.health = Health(0.03, 0.9, RECOVER_S, 0.0)

    def live(self, measured: Measured, seconds: float) -> list[Level]:
        """Measure the same for a while; the levels that were gone through."""
        levels: list[Level] = [self.health.level]
        for _ in range(round(seconds / EVERY_S)):
            self.now += EVERY_S
            level = self.health.measure(measured, self.now)
            if level is not levels[-1]:
                levels.append(level)
        return levels


def test_who_has_time_leaves_nothing_out() -> None:
    assert Process().live(Measured(0.005, 0.75, 0.14), 60) == [Level.FIT]


@pytest.mark.parametrize("measured", [Measured(0.001, 0.99), Measured(0.06, 0.2)], ids=["work", "lateness"])
def test_strain_goes_through_all_levels_and_back_one_by_one(measured: Measured) -> None:
    process = Process()
    assert process.live(measured, 5) == list(Level)
    assert process.live(FINE, 3 * RECOVER_S + 3) == list(reversed(Level))


def test_between_two_levels_it_stays_where_it_is() -> None:
    process = Process()
    process.live(Measured(0.0, 0.99), 5)
    share = (1 + EASED) / 2 * SHARES[Level.CLOSED]
    assert process.live(Measured(0.0, 0.9 * share), 60) == [Level.CLOSED]


def test_what_eases_for_a_moment_only_is_not_trusted() -> None:
    process = Process()
    process.live(Measured(0.0, 0.99), 5)
    for _ in range(10):
        assert process.live(FINE, RECOVER_S / 2) == [Level.CLOSED]
        assert process.live(Measured(0.0, 0.99), RECOVER_S) == [Level.CLOSED]


def test_calls_come_as_they_like_until_a_good_part_of_the_time_is_used() -> None:
    process = Process()
    assert process.health.spacing_s(0, 0, 0.0) == 0
    process.live(Measured(0.0, 0.9 * EASY - 0.01), 60)
    assert process.health.spacing_s(300, 0, process.now) == 0
    assert process.health.spacing_s(300, 30, process.now) == pytest.approx(1 / 6)
    process.live(Measured(0.0, 0.9 * EASY + 0.01), 60)
    assert process.health.level is Level.FIT
    assert process.health.spacing_s(10, 0, process.now) == 1 / LEAST_RATE
    assert process.health.spacing_s(300, 0, process.now) == pytest.approx(1 / 6)


def test_for_a_while_after_strain_calls_are_let_in_no_faster() -> None:
    process = Process()
    process.live(Measured(0.0, 0.99), 5)
    assert process.health.spacing_s(10, 0, process.now) == 1 / LEAST_RATE
    process.live(FINE, 3 * RECOVER_S + 3)
    assert process.health.level is Level.FIT
    assert process.health.spacing_s(10, 0, process.now) == 1 / LEAST_RATE
    assert process.health.spacing_s(10, 0, process.now + RECOVERING_S) == 0


def test_one_stall_closes_no_door() -> None:
    process = Process()
    process.live(FINE, 5)
    process.now += 0.3
    process.health.measure(Measured(0.25, 1.0), process.now)
    process.live(FINE, 1)
    assert process.health.level < Level.CLOSED


def test_a_lead_that_runs_out_raises_the_level_by_one_at_most_once_a_second() -> None:
    process = Process()
    short = Measured(0.001, 0.3, LEAST_LEAD_S / 2)
    assert process.live(short, LEAD_EVERY_S / 2) == [Level.FIT, Level.NO_SPECULATION]
    assert process.live(short, 10 * LEAD_EVERY_S)[-1] is Level.CLOSED
    assert process.live(FINE, 3 * RECOVER_S + 3)[-1] is Level.FIT
    assert process.live(Measured(0.001, 0.3, LEAST_LEAD_S), 10) == [Level.FIT]


MEASURED = tuples(floats(0, 1), floats(0, 1.2), floats(-1, 1), floats(0.01, 2))


@given(lists(MEASURED, max_size=60))
def test_whatever_happens_a_level_is_left_for_the_one_below_and_strain_is_in_the_level(
    happenings: list[tuple[float, float, float, float]],
) -> None:
    health, now = Health(0.03, 0.9, RECOVER_S, 0.0), 0.0
    for lag_s, busy, lead_s, passed_s in happenings:
        now += passed_s
        before = health.level
        after = health.measure(Measured(lag_s, busy, lead_s), now)
        assert after >= before - 1
        assert math.isfinite(health.strain)
        assert after >= max((level for level, share in SHARES.items() if health.strain >= share), default=Level.FIT)
