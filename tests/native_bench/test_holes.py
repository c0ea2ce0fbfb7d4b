"""Holes in what is heard, in made-up samples."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mediasrv.simulator.voice import Span
from native_bench.peers.holes import within
from native_bench.turntaking.material import RATE_HZ

MS = RATE_HZ // 1000


def heard(*pieces: tuple[int, int]) -> NDArray[np.int16]:
    """Sound and silence in turn, in milliseconds."""
    tone = (4000 * np.sin(np.arange(10_000 * MS) / 3)).astype(np.int16)
    parts = [part for sound, silence in pieces for part in (tone[: sound * MS], np.zeros(silence * MS, np.int16))]
    return np.concatenate(parts)


def test_each_utterance_is_told_with_the_silence_in_it() -> None:
    assert within(heard((500, 60), (500, 40), (500, 2000), (500, 2000)), []) == pytest.approx([100, 0], abs=1)


@pytest.mark.parametrize(("gap_ms", "expected"), [(10, [0]), (300, [300]), (990, [990]), (1010, [0, 0])])
def test_a_hole_is_longer_than_a_blink_and_shorter_than_a_second(gap_ms: int, expected: list[float]) -> None:
    assert within(heard((500, gap_ms), (500, 1500)), []) == pytest.approx(expected, abs=2)


def test_nothing_heard_has_no_utterance() -> None:
    assert within(np.zeros(RATE_HZ, np.int16), []) == []


@pytest.mark.parametrize(("begin_ms", "end_ms", "is_excused"), [(400, 700, True), (0, 100, True), (700, 900, False)])
def test_who_pauses_because_the_caller_speaks_or_just_spoke_has_no_hole(
    begin_ms: int, end_ms: int, is_excused: bool
) -> None:
    said = [Span(begin_ms * MS, end_ms * MS)]
    (silent_ms,) = within(heard((500, 100), (500, 1500)), said)
    assert silent_ms == pytest.approx(0 if is_excused else 100, abs=1)


def test_the_excuse_lasts_a_second() -> None:
    said = [Span(0, 100 * MS)]
    assert within(heard((2000, 100), (500, 1500)), said) == pytest.approx([100], abs=1)
