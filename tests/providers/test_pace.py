"""How fast a vendor takes audio."""

from __future__ import annotations

from mediasrv.providers.pace import Pace


def test_a_burst_goes_at_once_and_no_more() -> None:
    pace = Pace(1.0, 100, now=5.0)
    assert pace.take(60, 5.0)
    assert pace.take(40, 5.0)
    assert not pace.take(1, 5.0)


def test_the_bucket_fills_at_its_speed() -> None:
    pace = Pace(1.25, 100, now=0.0)
    assert pace.take(100, 0.0)
    assert not pace.take(51, 0.04)
    assert pace.take(50, 0.04)


def test_what_was_not_taken_does_not_pile_up() -> None:
    pace = Pace(1.0, 100, now=0.0)
    assert not pace.take(101, 60.0)
    assert pace.take(100, 60.0)
