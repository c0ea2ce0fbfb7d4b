from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, lists

from mediasrv.carriers.bucket import Rate, TokenBucket
from mediasrv.errors import ConfigError


def test_a_burst_goes_at_once_and_the_rest_queues() -> None:
    bucket = TokenBucket(Rate(2, 1.0))
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.5, 1.0]


def test_a_rest_fills_the_bucket_and_no_more() -> None:
    bucket = TokenBucket(Rate(2, 1.0))
    for _ in range(3):
        bucket.take(0.0)
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.5]


def test_a_token_that_was_given_back_serves_the_next() -> None:
    bucket = TokenBucket(Rate(1, 1.0))
    bucket.take(0.0)
    bucket.give_back()
    assert bucket.take(0.0) == 0.0


@pytest.mark.parametrize("rate", [Rate(0, 1.0), Rate(1, 0.0)])
def test_a_rate_of_nothing_is_the_operators_mistake(rate: Rate) -> None:
    with pytest.raises(ConfigError, match="is no rate"):
        TokenBucket(rate)


@given(
    count=integers(1, 20),
    per_s=floats(0.5, 10.0),
    gaps=lists(floats(0.0, 2.0), min_size=1, max_size=60),
)
def test_no_window_ever_holds_more_than_the_burst_and_what_flowed_in(
    count: int, per_s: float, gaps: list[float]
) -> None:
    bucket, now, used = TokenBucket(Rate(count, per_s)), 0.0, []
    for gap in gaps:
        now += gap
        used.append(now + bucket.take(now))
    for first, begin in enumerate(used):
        for last in range(first, len(used)):
            assert last - first + 1 <= count + (used[last] - begin) * count / per_s + 1e-6
