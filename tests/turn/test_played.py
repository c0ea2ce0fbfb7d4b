from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mediasrv.audio.correlate import Band
from mediasrv.turn.played import SPAN_MS, Played
from tests import naive

SPAN = SPAN_MS * 8


def noise(samples: int, seed: int = 1) -> NDArray[np.int16]:
    return np.random.default_rng(seed).integers(-8000, 8000, samples, np.int16)


def band(pcm: NDArray[np.int16]) -> list[int]:
    each = Band(8000)
    filtered: list[int] = each.of(np.concatenate((np.zeros(each.reach, np.int16), pcm))).tolist()
    return filtered


@settings(deadline=None, max_examples=60)
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["play", "cut"]), st.integers(-3000, 9000), st.integers(1, 3000), st.booleans()),
        max_size=16,
    )
)
def test_played_agrees_with_naive_whenever_it_is_looked_at(steps: list[tuple[str, int, int, bool]]) -> None:
    played, axis = Played(8000), naive.Axis()
    furthest = 0
    for what, offset, samples, looks in [*steps, ("cut", 0, 0, True)]:
        start = max(played.end + offset, furthest - 3000, 0)
        if what == "cut":
            played.cut(start / 8000)
            axis.cut(start)
        elif abs(start - played.end) > 2:
            played.play(noise(samples), start / 8000)
            axis.play(start, band(noise(samples)))
            furthest = max(furthest, start + samples)
        spans = ((furthest - SPAN, furthest), (furthest - 800, furthest + 800), (furthest, furthest + 9))
        for first, last in spans if looks else ():
            assert played.between(first, last).tolist() == axis.between(first, last)


def test_it_is_the_same_however_it_is_cut() -> None:
    pcm = noise(4000)
    whole, pieces = Played(8000), Played(8000)
    whole.play(pcm, 1.0)
    for start in range(0, 4000, 250):
        # The ledger's sums of floats are off by parts of a sample.
        pieces.play(pcm[start : start + 250], 1.0 + start / 8000 + (1e-4 if start else 0))
    assert (whole.between(8000, 12000) == pieces.between(8000, 12000)).all()
    assert whole.between(8000, 12000).any()
    assert whole.end == pieces.end == 12000


@settings(deadline=None, max_examples=20)
@given(sizes=st.lists(st.integers(1, 800), max_size=80))
def test_it_is_the_same_however_long_nobody_looks(sizes: list[int]) -> None:
    pcm = noise(sum(sizes) + 1)
    whole, pieces = Played(8000), Played(8000)
    whole.play(pcm[: sum(sizes)], 1.0)
    for size, start in zip(sizes, accumulate(sizes, initial=0), strict=False):
        pieces.play(pcm[start : start + size], 1.0 + start / 8000)
    end = whole.end
    assert pieces.between(end - SPAN, end + 10).tolist() == whole.between(end - SPAN, end + 10).tolist()


def test_a_cut_leaves_what_has_sounded() -> None:
    played = Played(8000)
    played.play(noise(8000), 0.0)
    played.cut(0.5)
    assert played.between(3000, 4000).any()
    assert not played.between(4000, 8000).any()
    assert played.end == 4000
    played.cut(2.0)
    assert played.end == 4000


def test_what_is_longer_than_the_span_keeps_its_end() -> None:
    played = Played(8000)
    played.play(noise(3 * SPAN), 0.0)
    assert played.between(2 * SPAN, 3 * SPAN).tolist() == band(noise(3 * SPAN))[2 * SPAN :]
    assert not played.between(2 * SPAN - 100, 2 * SPAN).any()
    played.play(noise(100), 0.5)
    assert not played.between(2 * SPAN, 2 * SPAN + 100).any()


def test_sixteen_kilohertz_lie_on_the_same_axis() -> None:
    played = Played(16000)
    played.play(noise(16000), 1.0)
    assert played.end == 16000
    assert played.between(15000, 16000).any()
