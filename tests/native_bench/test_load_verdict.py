"""Each good step has a twin in which one thing broke."""

from __future__ import annotations

from dataclasses import replace
from math import inf

import pytest

from native_bench.load.verdict import Limits, Slope, Step, bottleneck, breaches, plain, slope, spread

GOOD = Step(
    calls=10,
    seconds=30,
    cpu_ms=1.5,
    starved_percent=0,
    memory_mb=150,
    call_kb=100,
    growth=Slope(0.0, 1.0),
    answers=spread([400.0] * 99 + [420.0]),
    silence=spread([0.0] * 100),
    stalls=spread([1.0]),
    slip=spread([0.5]),
    cut_ins=0,
)


def test_a_step_in_which_nothing_broke_has_no_breaches() -> None:
    assert breaches(GOOD, 400.0, Limits()) == []
    assert bottleneck(GOOD, Limits()) == ""


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"silence": spread([0.0] * 98 + [20.0] * 2)}, "silence inside an utterance, p99 20 ms"),
        ({"silence": None}, "nothing was heard"),
        ({"answers": None}, "nobody was to be answered"),
        ({"answers": spread([400.0] * 90 + [426.0] * 10)}, "p99 26 ms over"),
        ({"answers": spread([400.0] * 90 + [inf] * 10)}, "p99 inf ms over"),
        ({"growth": Slope(200.0, 10.0)}, "memory, 200 KB a minute"),
        ({"failures": ("call 3: no answer",)}, "1 calls failed: call 3: no answer"),
    ],
)
def test_one_thing_that_broke_is_named(change: dict[str, object], word: str) -> None:
    found = breaches(replace(GOOD, **change), 400.0, Limits())  # type: ignore[arg-type]
    assert len(found) == 1
    assert word in found[0]


def test_a_hole_in_one_utterance_of_a_hundred_and_more_is_not_yet_p99() -> None:
    assert breaches(replace(GOOD, silence=spread([0.0] * 299 + [60.0])), 400.0, Limits()) == []


def test_memory_that_may_be_flat_is_not_held_to_grow() -> None:
    assert breaches(replace(GOOD, growth=Slope(200.0, 60.0)), 400.0, Limits()) == []


def test_late_callers_are_the_bottleneck() -> None:
    assert "p99 10.1 ms" in bottleneck(replace(GOOD, slip=spread([10.1])), Limits())


def test_a_slope_is_found_with_its_error() -> None:
    rising = slope([0.0, 1.0, 2.0, 3.0], [1.0, 3.0, 5.0, 7.0])
    assert rising.rise == pytest.approx(2.0)
    assert rising.at_least == pytest.approx(2.0)
    noisy = slope([0.0, 1.0, 2.0, 3.0], [1.0, 9.0, 0.0, 8.0])
    assert noisy.error > 1
    assert noisy.at_least == 0


@pytest.mark.parametrize("times", [[0.0, 60.0], [5.0, 5.0, 5.0]])
def test_too_little_has_no_slope(times: list[float]) -> None:
    assert slope(times, [float(place) for place in range(len(times))]) == Slope(0.0, 0.0)


def test_the_spread_of_nothing_is_nothing() -> None:
    assert spread([]) is None


def test_json_has_no_word_for_the_infinite() -> None:
    assert plain({"a": [1.0, inf], "b": ("x", {"c": -inf})}) == {"a": [1.0, None], "b": ["x", {"c": None}]}
