from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists

from mediasrv.audio.framer import Framer


@given(sizes=lists(integers(0, 50), max_size=20), frame=integers(1, 20))
def test_frames_are_the_stream_cut_evenly_however_it_came(sizes: list[int], frame: int) -> None:
    stream = np.arange(sum(sizes), dtype=np.int16)
    framer = Framer(frame)
    frames = []
    for piece in np.split(stream, np.cumsum(sizes)[:-1]) if sizes else []:
        frames += framer.push(piece)
    assert [each.tolist() for each in frames] == [
        stream[start : start + frame].tolist() for start in range(0, stream.size - frame + 1, frame)
    ]
    rest = stream.size % frame
    last = framer.flush()
    if rest:
        assert last is not None
        assert last.tolist() == stream[-rest:].tolist() + [0] * (frame - rest)
    else:
        assert last is None


def test_a_piece_that_is_a_frame_comes_back_untouched() -> None:
    pcm = np.arange(160, dtype=np.int16)
    assert Framer(160).push(pcm)[0] is pcm


def test_what_is_held_back_does_not_follow_changes_of_the_piece() -> None:
    framer = Framer(4)
    piece = np.array([1, 2, 3], np.int16)
    framer.push(piece)
    piece[:] = 0
    assert framer.push(np.array([4], np.int16))[0].tolist() == [1, 2, 3, 4]


def test_after_flush_the_next_frame_starts_anew() -> None:
    framer = Framer(2)
    framer.push(np.array([1], np.int16))
    framer.flush()
    assert framer.push(np.array([5, 6], np.int16))[0].tolist() == [5, 6]


def test_a_frame_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be filled"):
        Framer(0)
